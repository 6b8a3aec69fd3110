//! `GET /v2/models/{model}/config`: the same as metadata, in the words of Triton's model configuration.

use hyper::{Method, Response, StatusCode};
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed, Problem, of_model, of_version};
use crate::http::{
    explain::is_explainable,
    inference::metadata::{PLATFORM, Spec, inputs, outputs},
    loaded,
    reply::{Body, json},
};

pub(in crate::http::endpoint) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: of_model("/v2/models/{model}/config", "/config"),
    observed: Observed::Ordinary,
    handle,
};

pub(in crate::http::endpoint) const VERSION: Endpoint =
    Endpoint { route: of_version("/v2/models/{model}/versions/{version}/config", "/config"), ..ENDPOINT };

#[derive(Serialize)]
struct Answer<'a> {
    name: &'a str,
    platform: &'static str,
    backend: &'static str,
    /// `predict.rows_max`; shapes leave the rows out.
    max_batch_size: usize,
    input: Vec<Tensor>,
    output: Vec<Tensor>,
}

#[derive(Serialize)]
struct Tensor {
    name: &'static str,
    data_type: String,
    dims: [usize; 1],
}

impl From<Spec> for Tensor {
    fn from(spec: Spec) -> Self {
        let data_type = format!("TYPE_{}", spec.datatype.name());
        Self { name: spec.name, data_type, dims: [spec.width.unwrap_or(1)] }
    }
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move { describe(&call).await.map_err(Problem::for_inference) })
}

async fn describe(call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let loaded = loaded::find(call.app, &call.symbol, call.version.as_deref())?;
    let explained = is_explainable(loaded.model.clone()).await;
    let tensors = |specs: Vec<Spec>| specs.into_iter().map(Tensor::from).collect();
    let answer = Answer {
        name: loaded.name(),
        platform: PLATFORM,
        backend: "stormglass",
        max_batch_size: call.app.config.predict.rows_max,
        input: tensors(inputs(&loaded.model)),
        output: tensors(outputs(&loaded.model, explained)),
    };
    Ok(json(StatusCode::OK, &answer))
}
