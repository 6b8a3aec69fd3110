//! `GET /v2`: name, version and extensions of this server.

use hyper::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed, Route};
use crate::{
    build_info,
    http::{
        describe::{self, Doc, Tag},
        inference::EXTENSIONS,
        reply::json,
    },
};

const DOC: Doc = Doc {
    tag: Tag::OtherProtocols,
    summary: "What this server is, by the Open Inference Protocol.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "Name, version, extensions.",
        media: &[describe::json_of::<Answer>()],
    }],
    errors: &[],
};

pub(in crate::http::endpoint) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/v2"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "InferenceServer")]
struct Answer {
    name: &'static str,
    version: &'static str,
    extensions: [&'static str; EXTENSIONS.len()],
}

fn handle(_: Call<'_>) -> Answering<'_> {
    Box::pin(async {
        let answer = Answer { name: "stormglass", version: build_info::VERSION, extensions: EXTENSIONS };
        Ok(json(StatusCode::OK, &answer))
    })
}
