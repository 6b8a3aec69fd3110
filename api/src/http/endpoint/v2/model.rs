//! `GET /v2/models/{model}`: the inputs and outputs of a model; `…/ready`: whether it is loaded.

use hyper::{Method, Response, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed, Problem, of_model, of_version};
use crate::http::{
    condition::Condition,
    describe::{self, Doc, Tag},
    explain::is_explainable,
    inference::metadata::ModelMetadata,
    loaded,
    reply::{Body, json},
};

const METADATA_DOC: Doc = Doc {
    tag: Tag::OtherProtocols,
    summary: "What a model takes and gives.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "Its tensors, and the order of its features.",
        media: &[describe::json_of::<ModelMetadata<'_>>()],
    }],
    errors: &[404, 503],
};

const READY_DOC: Doc = Doc {
    tag: Tag::OtherProtocols,
    summary: "Whether a model answers.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "It does.",
        media: &[describe::json_of::<Ready<'_>>()],
    }],
    errors: &[404, 503],
};

pub(in crate::http::endpoint) const METADATA: Endpoint = Endpoint {
    method: Method::GET,
    route: of_model("/v2/models/{model}", ""),
    observed: Observed::Ordinary,
    doc: &METADATA_DOC,
    handle: metadata,
};

pub(in crate::http::endpoint) const VERSION_METADATA: Endpoint =
    Endpoint { route: of_version("/v2/models/{model}/versions/{version}", ""), ..METADATA };

pub(in crate::http::endpoint) const READY: Endpoint = Endpoint {
    method: Method::GET,
    route: of_model("/v2/models/{model}/ready", "/ready"),
    observed: Observed::Probe,
    doc: &READY_DOC,
    handle: ready,
};

pub(in crate::http::endpoint) const VERSION_READY: Endpoint =
    Endpoint { route: of_version("/v2/models/{model}/versions/{version}/ready", "/ready"), ..READY };

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ModelReady")]
struct Ready<'a> {
    name: &'a str,
    ready: bool,
}

fn metadata(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move { describe(&call).await.map_err(Problem::for_inference) })
}

async fn describe(call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let loaded = loaded::find(call.app, &call.symbol, call.version.as_deref())?;
    let explained = is_explainable(loaded.model.clone()).await;
    Ok(json(StatusCode::OK, &ModelMetadata::of(&loaded, explained)))
}

fn ready(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let loaded = loaded::find(call.app, &call.symbol, call.version.as_deref());
        let loaded = loaded.map_err(Problem::for_inference)?;
        if Condition::of(call.app).can_score() {
            return Ok(json(StatusCode::OK, &Ready { name: loaded.name(), ready: true }));
        }
        let detail = format!("model {:?} is loaded, but no shard scores it", loaded.name());
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Not ready", detail).for_inference())
    })
}
