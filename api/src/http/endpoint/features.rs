//! `GET /symbols/{symbol}/features`: the row behind a symbol's newest prediction, with names, units and event time.

use hyper::{Method, StatusCode};
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed, predict_symbol::no_state, symbols::SymbolBody};
use crate::http::{answer::wall_clock_nanos, reply::json, route::Route};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Symbol { label: "/symbols/{symbol}/features", before: "/symbols/", after: "/features" },
    observed: Observed::Ordinary,
    handle,
};

#[derive(Serialize)]
struct FeatureBody {
    name: &'static str,
    version: u16,
    unit: &'static str,
    meaning: &'static str,
    /// `null` where it has no value.
    value: Option<f32>,
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    state: SymbolBody<'a>,
    features_as_of: String,
    features: Vec<FeatureBody>,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let (symbol, key) = call.app.engine.resolve(&call.symbol)?;
        let answer = call.app.engine.features(key, call.deadline()).await?;
        let answer = answer.ok_or_else(|| no_state(&symbol.name))?;
        let specs = engine::features::specs();
        let feature = |(spec, &value): (&engine::features::FeatureSpec, &f32)| FeatureBody {
            name: spec.name,
            version: spec.version,
            unit: spec.unit,
            meaning: spec.meaning,
            value: value.is_finite().then_some(value),
        };
        let features = specs.iter().zip(&answer.row).map(feature).collect();
        let body = Answer {
            state: SymbolBody::new(call.app, &answer.summary, wall_clock_nanos()),
            features_as_of: answer.prediction.scored.as_of.to_string(),
            features,
        };
        Ok(json(StatusCode::OK, &body))
    })
}
