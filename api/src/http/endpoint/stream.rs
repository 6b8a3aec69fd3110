//! `GET /stream?symbols=a,b`: predictions as server-sent events, as soon as the shards make them.

use std::collections::HashSet;

use engine::symbol::{ResolveError, SymbolId};
use hyper::{
    Method, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{
    app::App,
    describe::{self, Doc, Parameter, Place, Tag, of},
    live,
    problem::Problem,
    reply::{Body, reply},
    route::{Route, decoded, query_value},
    service::is_head,
};

const DOC: Doc = Doc {
    tag: Tag::Predictions,
    summary: "Predictions as server-sent events, as they are made.",
    description: "",
    parameters: &[Parameter {
        name: "symbols",
        place: Place::Query,
        description: "Only these, with commas between; all where absent.",
        schema: of::<Option<String>>,
    }],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "A stream: each event is one prediction.",
        media: &[describe::text(EVENT_STREAM)],
    }],
    errors: &[400, 404, 409],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/stream"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

const EVENT_STREAM: &str = "text/event-stream";

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let symbols = match query_value(call.head.uri.query(), "symbols") {
            None | Some("") => None,
            Some(list) => Some(named_symbols(call.app, list)?),
        };
        if is_head(&call.head.method) {
            return Ok(reply(StatusCode::OK, EVENT_STREAM, ""));
        }
        let mut response = Response::new(Body::Stream(live::watch(call.app, symbols)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // nginx would hold events back until its buffer is full.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        Ok(response)
    })
}

fn named_symbols(app: &App, list: &str) -> Result<HashSet<SymbolId>, Problem> {
    let list = decoded(list)?;
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let symbol = |name: &str| match app.engine.locate(name)? {
        (symbol, place) if place.is_here => Ok(symbol.id),
        // The live stream shows the symbols of this process.
        _ => Err(ResolveError::Unknown(name.to_owned()).into()),
    };
    names.map(symbol).collect()
}
