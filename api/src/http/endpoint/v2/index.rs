//! `POST /v2/repository/index`: the loaded models.

use hyper::{Method, Response, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Answering, Call, Endpoint, Observed, Problem, Route};
use crate::http::{
    body,
    describe::{self, Content, Doc, Media, Tag},
    loaded::{self, Loaded},
    reply::{Body, JSON, json},
};

const DOC: Doc = Doc {
    tag: Tag::OtherProtocols,
    summary: "The models that are loaded now.",
    description: "",
    parameters: &[],
    body: Some(Content {
        required: false,
        media: &[Media { content_type: JSON, schema: request_schema, examples: &[] }],
    }),
    answers: &[describe::Answer {
        status: 200,
        description: "The main one, and that of predict.legacy_model.",
        media: &[describe::json_of::<Vec<Entry>>()],
    }],
    errors: &[400, 408, 413, 503],
};

pub(in crate::http::endpoint) const ENDPOINT: Endpoint = Endpoint {
    method: Method::POST,
    route: Route::Exact("/v2/repository/index"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

fn request_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "properties": {"ready": {"type": "boolean"}}})
}

/// The body, which is optional.
#[derive(Deserialize)]
#[serde(expecting = "an object, or no body")]
struct Request {
    /// List only models that are ready; all of them are.
    #[serde(rename = "ready")]
    _ready: Option<bool>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "RepositoryEntry")]
struct Entry {
    name: String,
    version: String,
    state: &'static str,
    reason: &'static str,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move { list(call).await.map_err(Problem::for_inference) })
}

async fn list(call: Call<'_>) -> Result<Response<Body>, Problem> {
    let bytes = body::read(call.body, call.app).await?;
    if !bytes.is_empty() {
        serde_json::from_slice::<Request>(&bytes)
            .map_err(|error| Problem::unprocessable("Invalid body", error.to_string()))?;
    }
    let all = loaded::all(call.app);
    let entry = |loaded: &'_ Loaded| Entry {
        name: loaded.name().to_owned(),
        version: loaded.version.clone(),
        state: "READY",
        reason: "",
    };
    Ok(json(StatusCode::OK, &all.iter().map(entry).collect::<Vec<_>>()))
}
