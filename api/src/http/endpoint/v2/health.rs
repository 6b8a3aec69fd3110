//! `GET /v2/health/live` and `/v2/health/ready`: the results of `/livez` and `/readyz`.

use hyper::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed, Problem, Route};
use crate::http::{
    condition::Condition,
    describe::{self, Doc, Tag},
    reply::json,
};

const LIVE_DOC: Doc = Doc {
    tag: Tag::OtherProtocols,
    summary: "Whether a restart would not help.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "It lives.",
        media: &[describe::json_of::<Live>()],
    }],
    errors: &[503],
};

const READY_DOC: Doc = Doc {
    tag: Tag::OtherProtocols,
    summary: "Whether traffic may come.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "Ready.",
        media: &[describe::json_of::<Ready>()],
    }],
    errors: &[503],
};

pub(in crate::http::endpoint) const LIVE: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/v2/health/live"),
    observed: Observed::Probe,
    doc: &LIVE_DOC,
    handle: live,
};

pub(in crate::http::endpoint) const READY: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/v2/health/ready"),
    observed: Observed::Probe,
    doc: &READY_DOC,
    handle: ready,
};

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ServerLive")]
struct Live {
    live: bool,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ServerReady")]
struct Ready {
    ready: bool,
}

fn live(call: Call<'_>) -> Answering<'_> {
    Box::pin(async {
        match call.app.shards_panicked().as_slice() {
            [] => Ok(json(StatusCode::OK, &Live { live: true })),
            panicked => Err(unavailable("Not live", format!("shards {panicked:?} panicked; restart"))),
        }
    })
}

fn ready(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let condition = Condition::of(call.app);
        if condition.is_ready() {
            return Ok(json(StatusCode::OK, &Ready { ready: true }));
        }
        let failing = condition.checks().into_iter().filter(|(_, holds, _)| !holds);
        let reasons: Vec<String> = failing.map(|(name, _, detail)| format!("{name}: {detail}")).collect();
        Err(unavailable("Not ready", reasons.join("; ")))
    })
}

fn unavailable(error: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, error, detail).for_inference()
}
