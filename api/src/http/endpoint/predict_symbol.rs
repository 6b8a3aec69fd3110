//! `GET /predict/{symbol}`: the newest prediction of one symbol, from the shard that owns it.

use hyper::{Method, Response, StatusCode};

use super::{Answering, Call, Endpoint, Observed};
use crate::{
    http::{
        answer::{wall_clock_nanos, write_prediction},
        problem::Problem,
        reply::{Body, JSON, reply},
        route::{Route, query_value},
        service::count_predictions,
    },
    metrics::PredictionCounts,
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Symbol { label: "/predict/{symbol}", before: "/predict/", after: "" },
    observed: Observed::Prediction,
    handle,
};

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let app = call.app;
        let horizon_s = match app.engine.model.load().as_deref() {
            Some(model) => model.info().horizon_s,
            None => return Err(Problem::no_model()),
        };
        check_horizon(query_value(call.head.uri.query(), "horizon_s"), horizon_s)?;
        let (symbol, key) = app.engine.resolve(&call.symbol)?;
        let Some(answer) = app.engine.predict_one(key, call.deadline()).await? else {
            return Err(no_state(&symbol.name));
        };
        let prediction = &answer.prediction;
        if let Some(info) = &prediction.model {
            count_predictions(app, app.version_of(info), PredictionCounts::of(prediction.spike()));
        }
        let mut bytes = Vec::new();
        write_prediction(&mut bytes, &answer, wall_clock_nanos(), app.config.predict.stale_after_s);
        Ok::<Response<Body>, _>(reply(StatusCode::OK, JSON, bytes))
    })
}

/// A symbol that was routed but whose first tick is still on its way.
pub(super) fn no_state(name: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "No state yet",
        format!("{name} has no accepted tick yet; retry soon"),
    )
}

fn check_horizon(asked: Option<&str>, loaded_s: u32) -> Result<(), Problem> {
    match asked.map(|text| (text, text.parse::<u32>())) {
        None => Ok(()),
        Some((_, Ok(horizon_s))) if horizon_s == loaded_s => Ok(()),
        Some((text, _)) => Err(Problem::unprocessable(
            "Unknown horizon",
            format!("horizon_s={text}: no model with this horizon is loaded; horizon_s={loaded_s} is"),
        )),
    }
}
