//! `GET /predict/{symbol}`: the newest prediction of one symbol, from the shard that owns it, or from the instance
//! that does.

use engine::symbol::SymbolKey;
use hyper::{Method, Response, StatusCode};

use super::{Answering, Call, Endpoint, Observed};
use crate::{
    http::{
        answer::{wall_clock_nanos, write_prediction},
        describe::{self, Doc, Parameter, Place, Tag, of, prediction::Prediction},
        other_instances::{self, REDIRECT, Stamp},
        problem::Problem,
        reply::{Body, JSON, reply},
        route::{Route, query_value},
    },
    metrics::PredictionCounts,
};

const ROUTE: Route = Route::Symbol { label: "/predict/{symbol}", before: "/predict/", after: "" };

const DOC: Doc = Doc {
    tag: Tag::Predictions,
    summary: "The newest prediction of a symbol.",
    description: "",
    parameters: &[Parameter {
        name: "horizon_s",
        place: Place::Query,
        description: "The seconds ahead that are asked for: those of the loaded model.",
        schema: of::<Option<u32>>,
    }],
    body: None,
    answers: &[
        describe::Answer {
            status: 200,
            description: "The prediction; warming ones say why there is no number yet.",
            media: &[describe::json_of::<Prediction>()],
        },
        REDIRECT,
    ],
    errors: &[400, 404, 409, 422, 503, 504],
};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { method: Method::GET, route: ROUTE, observed: Observed::Prediction, doc: &DOC, handle };

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let app = call.app;
        let horizon_s = match app.engine.model.load().as_deref() {
            Some(model) => model.info().horizon_s,
            None => return Err(Problem::no_model()),
        };
        let query = call.head.uri.query();
        check_horizon(query_value(query, "horizon_s"), horizon_s)?;
        let asker = call.asker();
        let located = app.engine.locate(&call.symbol);
        let (symbol, place) = located.map_err(|error| other_instances::unknown_symbol(asker, error))?;
        let answer = if place.is_split {
            let answers =
                app.engine.predict(&other_instances::keys(app, &symbol), None, asker.deadline).await?;
            answers.into_iter().flatten().max_by_key(|answer| Stamp::of(&answer.prediction))
        } else {
            let key = SymbolKey { partition: place.partition, symbol: symbol.id };
            app.engine.predict_one(key, asker.deadline).await?
        };
        let Some(answer) = answer else {
            return other_instances::answer_of_owner(asker, ROUTE, &symbol, query).await;
        };
        if place.is_split {
            let here = Stamp::of(&answer.prediction);
            if let Some(newer) = other_instances::newer_answer(asker, ROUTE, &symbol, query, here).await {
                return Ok(newer);
            }
        }
        let prediction = &answer.prediction;
        if let Some(info) = &prediction.model {
            app.metrics.predictions.add(app.version_of(info), PredictionCounts::of(prediction.spike()));
        }
        let mut bytes = Vec::new();
        write_prediction(&mut bytes, app, &answer, wall_clock_nanos());
        Ok::<Response<Body>, _>(reply(StatusCode::OK, JSON, bytes))
    })
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
