//! Writes an inference's answer: JSON, followed by the data of binary tensors.

use hyper::{Response, StatusCode, header::HeaderValue};
use model::Model;
use schemars::JsonSchema;
use serde::Serialize;

use super::{HEADER_LENGTH, OUTPUT, request::Wanted, tensor::Datatype};
use crate::http::{
    loaded::Loaded,
    reply::{Body, JSON, reply},
    scoring::Missing,
};

/// Type of scores and contributions: the one in which they are computed.
pub(super) const DATATYPE: Datatype = Datatype::Fp64;

/// Content type of JSON followed by binary data.
pub(in crate::http) const OCTETS: &str = "application/octet-stream";

/// An output tensor with its values.
#[derive(Debug)]
pub(in crate::http) struct Output {
    pub(in crate::http) wanted: Wanted,
    /// Numbers in each row.
    pub(in crate::http) width: usize,
    /// Row-major.
    pub(in crate::http) values: Vec<f64>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Inference")]
pub(in crate::http) struct Answer<'a> {
    model_name: &'a str,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    parameters: Parameters<'a>,
    outputs: Vec<Tensor<'a>>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "InferenceParameters")]
struct Parameters<'a> {
    model_variant: &'a str,
    /// On the probability; absent where the scores are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    /// The features that rows lacked, where that is allowed: JSON, because a parameter is no list.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "InferenceTensor")]
struct Tensor<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<BinarySize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a [f64]>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "InferenceBinarySize")]
struct BinarySize {
    binary_data_size: usize,
}

/// Writes the answer.
pub(in crate::http) fn write(
    loaded: &Loaded,
    id: Option<&str>,
    missing: &[Missing],
    outputs: &[Output],
) -> Response<Body> {
    let model: &Model = &loaded.model;
    let tensor = |output: &'_ Output| Tensor {
        name: output.wanted.name,
        datatype: DATATYPE.name(),
        shape: shape(output),
        parameters: output
            .wanted
            .binary
            .then_some(BinarySize { binary_data_size: output.values.len() * DATATYPE.size_bytes() }),
        data: None,
    };
    let tensors = outputs.iter().map(|output| {
        let data = (!output.wanted.binary).then_some(&*output.values);
        Tensor { data, ..tensor(output) }
    });
    let answer = Answer {
        model_name: loaded.name(),
        model_version: &loaded.version,
        id,
        parameters: Parameters {
            model_variant: &model.info().variant,
            threshold: model.gives_probability().then(|| model.info().threshold),
            missing: (!missing.is_empty())
                .then(|| serde_json::to_string(missing).expect("names and numbers are always JSON")),
        },
        outputs: tensors.collect(),
    };
    let mut bytes = serde_json::to_vec(&answer).expect("names and numbers are always JSON");
    if !outputs.iter().any(|output| output.wanted.binary) {
        return reply(StatusCode::OK, JSON, bytes);
    }
    let json_bytes = bytes.len();
    for output in outputs.iter().filter(|output| output.wanted.binary) {
        bytes.extend(output.values.iter().flat_map(|value| value.to_le_bytes()));
    }
    let mut response = reply(StatusCode::OK, OCTETS, bytes);
    response.headers_mut().insert(HEADER_LENGTH, HeaderValue::from(json_bytes));
    response
}

/// The shape: one score for each row needs only the dimension of rows; more numbers have a second dimension.
fn shape(output: &Output) -> Vec<usize> {
    let rows = output.values.len() / output.width;
    match output.wanted.name {
        OUTPUT if output.width == 1 => vec![rows],
        _ => vec![rows, output.width],
    }
}
