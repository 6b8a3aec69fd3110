//! `POST /v2/repository/index`: the models that are loaded now.

use hyper::{Method, Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::{Answering, Call, Endpoint, Observed, Problem, Route};
use crate::http::{
    body,
    loaded::{self, Loaded},
    reply::{Body, json},
};

pub(in crate::http::endpoint) const ENDPOINT: Endpoint = Endpoint {
    method: Method::POST,
    route: Route::Exact("/v2/repository/index"),
    observed: Observed::Ordinary,
    handle,
};

/// May be left out.
#[derive(Deserialize)]
#[serde(expecting = "an object, or no body")]
struct Request {
    /// Only models that are ready: all of them are.
    #[serde(rename = "ready")]
    _ready: Option<bool>,
}

#[derive(Serialize)]
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
