//! `GET /livez`: whether the process is alive. It fails after a shard panicked, which a restart cures, and not if no
//! model is loaded.

use hyper::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{
    describe::{self, Doc, Tag},
    reply::json,
    route::Route,
};

const DOC: Doc = Doc {
    tag: Tag::Operation,
    summary: "Whether a restart would not help.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[
        describe::Answer { status: 200, description: "It lives.", media: &[describe::json_of::<Answer>()] },
        describe::Answer {
            status: 503,
            description: "A shard panicked.",
            media: &[describe::json_of::<Answer>()],
        },
    ],
    errors: &[],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/livez"),
    observed: Observed::Probe,
    doc: &DOC,
    handle,
};

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Liveness")]
struct Answer {
    live: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shards_panicked: Vec<usize>,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async {
        let shards_panicked = call.app.shards_panicked();
        let live = shards_panicked.is_empty();
        let code = if live { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        Ok(json(code, &Answer { live, shards_panicked }))
    })
}
