//! `GET /metrics`: Prometheus text.

use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};

use super::{Answering, Call, Endpoint, Observed};
use crate::{
    http::{
        describe::{self, Doc, Tag},
        problem::Problem,
        reply::reply,
        route::Route,
    },
    metrics,
};

const DOC: Doc = Doc {
    tag: Tag::Operation,
    summary: "Metrics, in Prometheus' text format.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer { status: 200, description: "All metrics.", media: &[describe::text(TEXT)] }],
    errors: &[500],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/metrics"),
    observed: Observed::Probe,
    doc: &DOC,
    handle,
};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Longest wait of a scrape for the shards' rows.
const QUALITY_WAIT_MAX: Duration = Duration::from_millis(250);

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        // A scrape does not wait for a busy shard; it shows the last known report then.
        let soon = Instant::now() + QUALITY_WAIT_MAX;
        let _ = call.app.quality.report(&call.app.engine, soon.min(call.deadline())).await;
        match metrics::render(call.app) {
            Ok(text) => Ok(reply(StatusCode::OK, TEXT, text)),
            Err(error) => Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Metrics cannot be written",
                error.to_string(),
            )),
        }
    })
}
