//! `GET /events?kind=…`: what happened to the service, the newest first.

use engine::events::{Event, KINDS};
use hyper::{Method, StatusCode};
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{
    problem::Problem,
    reply::json,
    route::{Route, query_value},
};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { method: Method::GET, route: Route::Exact("/events"), observed: Observed::Ordinary, handle };

#[derive(Serialize)]
struct Answer {
    events: Vec<Event>,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let kind = query_value(call.head.uri.query(), "kind").filter(|kind| !kind.is_empty());
        if let Some(unknown) = kind.filter(|kind| !KINDS.contains(kind)) {
            let detail = format!("kind is {unknown:?}; it is one of {KINDS:?}, or absent for all");
            return Err(Problem::unprocessable("Unknown kind of event", detail));
        }
        Ok(json(StatusCode::OK, &Answer { events: call.app.engine.events.read(kind) }))
    })
}
