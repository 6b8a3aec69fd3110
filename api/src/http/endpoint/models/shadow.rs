//! `POST /models/{name}/shadow`: the model scores the grid beside the active one, and `/quality` reports its quality.
//! `{"off":true}`, or DELETE, ends it.

use hyper::Method;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::answer::{REASON_CHARS_MAX, REASON_MEDIA, ReasonBody, change, made, read};
use crate::http::{
    describe::{Doc, Media},
    endpoint::{Answering, Call, Endpoint, Observed},
    reply::JSON,
    route::Route,
};

const ROUTE: Route = Route::Symbol { label: "/models/{name}/shadow", before: "/models/", after: "/shadow" };

const DOC: Doc = change(
    "The model scores the grid beside the active one, and /quality says how well.",
    "Predictions do not change.",
    &[Media { content_type: JSON, schema, examples: &[] }],
);

const OFF_DOC: Doc = change("No model scores beside the active one any more.", "", REASON_MEDIA);

fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "version": {"type": "string"},
            "off": {"type": "boolean", "description": "Ends it, as DELETE does."},
            "reason": {"type": "string", "maxLength": REASON_CHARS_MAX}
        },
        "additionalProperties": false
    })
}

pub(in crate::http::endpoint) const ENDPOINT: Endpoint =
    Endpoint { method: Method::POST, route: ROUTE, observed: Observed::Ordinary, doc: &DOC, handle };

pub(in crate::http::endpoint) const OFF: Endpoint = Endpoint {
    method: Method::DELETE,
    route: ROUTE,
    observed: Observed::Ordinary,
    doc: &OFF_DOC,
    handle: end,
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Request {
    version: Option<String>,
    off: bool,
    reason: Option<String>,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let (app, name) = (call.app.clone(), call.symbol.to_string());
        let (request, asked) = read(call, |request: &Request| request.reason.as_deref()).await?;
        made(async move {
            match request.off {
                true => app.models.shadow_off(asked).await,
                false => app.models.shadow(&name, request.version, asked).await,
            }
        })
        .await
    })
}

fn end(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let app = call.app.clone();
        let (_, asked) = read(call, |body: &ReasonBody| body.reason.as_deref()).await?;
        made(async move { app.models.shadow_off(asked).await }).await
    })
}
