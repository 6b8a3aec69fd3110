//! `POST /models/{name}/activate`: makes another model the active one, if it is close enough to the present one on the
//! newest real rows.

use hyper::Method;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::json;

use super::answer::{REASON_CHARS_MAX, change, made, read};
use crate::{
    http::{
        describe::{Doc, Media},
        endpoint::{Answering, Call, Endpoint, Observed},
        problem::Problem,
        reply::JSON,
        route::Route,
    },
    models::Activation,
};

const ROUTE: Route =
    Route::Symbol { label: "/models/{name}/activate", before: "/models/", after: "/activate" };

const DOC: Doc = change(
    "Another model answers from now on, if it is close enough to the active one on the newest real rows.",
    "No request waits or fails meanwhile. What is activated lasts over restarts, until it is cleared.",
    &[Media { content_type: JSON, schema, examples: &[] }],
);

fn schema(_: &mut SchemaGenerator) -> Schema {
    let share = json!({"type": "number", "minimum": 0, "maximum": 1});
    json_schema!({
        "type": "object",
        "properties": {
            "version": {"type": "string"},
            "max_flip_rate": &share,
            "max_score_difference": share,
            "dry_run": {"type": "boolean", "description": "Compares, and changes nothing."},
            "reason": {"type": "string", "maxLength": REASON_CHARS_MAX}
        },
        "additionalProperties": false
    })
}

pub(in crate::http::endpoint) const ENDPOINT: Endpoint =
    Endpoint { method: Method::POST, route: ROUTE, observed: Observed::Ordinary, doc: &DOC, handle };

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Request {
    version: Option<String>,
    max_flip_rate: Option<f64>,
    max_score_difference: Option<f64>,
    dry_run: bool,
    reason: Option<String>,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let (app, name) = (call.app.clone(), call.symbol.to_string());
        let (request, asked) = read(call, |request: &Request| request.reason.as_deref()).await?;
        for (key, bound) in
            [("max_flip_rate", request.max_flip_rate), ("max_score_difference", request.max_score_difference)]
        {
            if let Some(bound) = bound.filter(|bound| !(0.0..=1.0).contains(bound)) {
                let detail = format!("{key} is {bound}; give from 0 to 1");
                return Err(Problem::unprocessable("Invalid body", detail));
            }
        }
        let activation = Activation {
            name,
            version: request.version,
            flip_rate_max: request.max_flip_rate,
            score_difference_max: request.max_score_difference,
            is_dry_run: request.dry_run,
            asked,
        };
        made(async move { app.models.activate(activation).await }).await
    })
}
