//! `GET /symbols/{symbol}/features`: the row behind a symbol's newest prediction, with formulas, units and event time.

use hyper::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed, symbols::SymbolBody};
use crate::http::{
    answer::wall_clock_nanos,
    describe::{self, Doc, Tag},
    other_instances::{self, REDIRECT, Stamp},
    reply::json,
    route::Route,
};

const ROUTE: Route =
    Route::Symbol { label: "/symbols/{symbol}/features", before: "/symbols/", after: "/features" };

const DOC: Doc = Doc {
    tag: Tag::State,
    summary: "The features behind a symbol's newest prediction.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[
        describe::Answer {
            status: 200,
            description: "The state of the symbol and its features, with formulas, units and event time.",
            media: &[describe::json_of::<Answer<'_>>()],
        },
        REDIRECT,
    ],
    errors: &[400, 404, 409, 503, 504],
};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { method: Method::GET, route: ROUTE, observed: Observed::Ordinary, doc: &DOC, handle };

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Feature")]
struct FeatureBody {
    name: &'static str,
    version: u16,
    unit: &'static str,
    range: &'static str,
    window: &'static str,
    /// In the symbols that docs/features.md explains.
    formula: &'static str,
    /// `value` is `null` unless this holds.
    defined_when: &'static str,
    meaning: &'static str,
    /// The value; `null` if it is missing.
    value: Option<f32>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "SymbolFeatures")]
struct Answer<'a> {
    #[serde(flatten)]
    state: SymbolBody<'a>,
    features_as_of: String,
    features: Vec<FeatureBody>,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let (asker, query) = (call.asker(), call.head.uri.query());
        let located = call.app.engine.locate(&call.symbol);
        let (symbol, place) = located.map_err(|error| other_instances::unknown_symbol(asker, error))?;
        let mut answers = Vec::new();
        for key in other_instances::keys_here(call.app, &symbol, &place) {
            answers.extend(call.app.engine.features(key, None, asker.deadline).await?);
        }
        let Some(answer) = answers.into_iter().max_by_key(|answer| Stamp::of(&answer.prediction)) else {
            return other_instances::answer_of_owner(asker, ROUTE, &symbol, query).await;
        };
        let here = Stamp::of(&answer.prediction);
        if place.is_split
            && let Some(newer) = other_instances::newer_answer(asker, ROUTE, &symbol, query, here).await
        {
            return Ok(newer);
        }
        let specs = engine::features::specs();
        let feature = |(spec, &value): (&engine::features::FeatureSpec, &f32)| FeatureBody {
            name: spec.name,
            version: spec.version,
            unit: spec.unit,
            range: spec.range,
            window: spec.window,
            formula: spec.formula,
            defined_when: spec.defined_when,
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
