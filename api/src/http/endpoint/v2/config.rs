//! `GET /v2/models/{model}/config`: the metadata in the form of Triton's model configuration.

use hyper::{Method, Response, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed, Problem, of_model, of_version};
use crate::http::{
    describe::{self, Doc, Tag},
    explain::is_explainable,
    inference::metadata::{PLATFORM, Spec, inputs, outputs},
    loaded,
    reply::{Body, json},
};

const DOC: Doc = Doc {
    tag: Tag::OtherProtocols,
    summary: "A model's inputs and outputs, in the words of Triton's model configuration.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "The configuration.",
        media: &[describe::json_of::<Answer<'_>>()],
    }],
    errors: &[404, 503],
};

pub(in crate::http::endpoint) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: of_model("/v2/models/{model}/config", "/config"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

pub(in crate::http::endpoint) const VERSION: Endpoint =
    Endpoint { route: of_version("/v2/models/{model}/versions/{version}/config", "/config"), ..ENDPOINT };

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ModelConfiguration")]
struct Answer<'a> {
    name: &'a str,
    platform: &'static str,
    backend: &'static str,
    /// `predict.rows_max`; shapes leave the rows out.
    max_batch_size: usize,
    input: Vec<Tensor>,
    output: Vec<Tensor>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "TensorConfiguration")]
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
