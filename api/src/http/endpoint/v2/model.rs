//! `GET /v2/models/{model}`: what a model takes and gives; `…/ready`: whether it answers.

use hyper::{Method, Response, StatusCode};
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed, Problem, of_model, of_version};
use crate::http::{
    condition::Condition,
    explain::is_explainable,
    inference::metadata::ModelMetadata,
    loaded,
    reply::{Body, json},
};

pub(in crate::http::endpoint) const METADATA: Endpoint = Endpoint {
    method: Method::GET,
    route: of_model("/v2/models/{model}", ""),
    observed: Observed::Ordinary,
    handle: metadata,
};

pub(in crate::http::endpoint) const VERSION_METADATA: Endpoint =
    Endpoint { route: of_version("/v2/models/{model}/versions/{version}", ""), ..METADATA };

pub(in crate::http::endpoint) const READY: Endpoint = Endpoint {
    method: Method::GET,
    route: of_model("/v2/models/{model}/ready", "/ready"),
    observed: Observed::Probe,
    handle: ready,
};

pub(in crate::http::endpoint) const VERSION_READY: Endpoint =
    Endpoint { route: of_version("/v2/models/{model}/versions/{version}/ready", "/ready"), ..READY };

#[derive(Serialize)]
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
