//! Parses an inference request and checks it against the model.

use std::borrow::Cow;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    INPUT, OUTPUT, TREESHAP_OUTPUT,
    tensor::{Datatype, read_binary, read_json},
};
use crate::http::{
    json_text::without_bare_words,
    problem::Problem,
    rows::{Reader, RowRules, Rows, comparable},
};

/// A checked inference request.
#[derive(Debug)]
pub(in crate::http) struct Request {
    /// The client's id, repeated in the answer.
    pub(in crate::http) id: Option<String>,
    /// The rows to score.
    pub(in crate::http) rows: Rows,
    /// The requested outputs, in this order.
    pub(in crate::http) outputs: Vec<Wanted>,
}

/// One tensor of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Wanted {
    pub(in crate::http) name: &'static str,
    /// Whether its data come after the JSON.
    pub(in crate::http) binary: bool,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with \"inputs\"")]
struct Document<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    parameters: Option<RequestParameters>,
    #[serde(borrow)]
    inputs: Vec<Input<'a>>,
    #[serde(borrow)]
    outputs: Option<Vec<Output<'a>>>,
}

#[derive(Deserialize)]
struct RequestParameters {
    binary_data_output: Option<bool>,
}

#[derive(Deserialize)]
struct Input<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    shape: Vec<u64>,
    #[serde(borrow)]
    datatype: Cow<'a, str>,
    parameters: Option<InputParameters>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct InputParameters {
    binary_data_size: Option<u64>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    parameters: Option<OutputParameters>,
}

#[derive(Default, Deserialize)]
struct OutputParameters {
    binary_data: Option<bool>,
    classification: Option<IgnoredAny>,
    shared_memory_region: Option<IgnoredAny>,
}

/// The schema of the JSON.
pub(in crate::http) fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string", "description": "Given back."},
            "parameters": {"type": "object", "properties": {"binary_data_output": {"type": "boolean"}}},
            "inputs": {"type": "array", "minItems": 1, "items": {
                "type": "object",
                "required": ["name", "shape", "datatype"],
                "properties": {
                    "name": {"type": "string"},
                    "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                    "datatype": {"enum": Datatype::names()},
                    "parameters": {
                        "type": "object",
                        "properties": {"binary_data_size": {"type": "integer", "minimum": 0}}
                    },
                    "data": {
                        "type": "array",
                        "description": "Flat and row-major, or nested as the shape; null, or the bare word NaN, is a missing value."
                    }
                }
            }},
            "outputs": {"type": "array", "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"enum": [OUTPUT, TREESHAP_OUTPUT]},
                    "parameters": {"type": "object", "properties": {"binary_data": {"type": "boolean"}}}
                }
            }}
        }
    })
}

/// The problem of a wrong request (422, which becomes the protocol's 400).
fn wrong(detail: impl Into<String>) -> Problem {
    Problem::unprocessable("Invalid inference request", detail)
}

/// Parses a body: JSON of `header_length` bytes with tensors' data after it; only JSON without that length; or one bare
/// tensor of rows if the length is 0.
///
/// # Errors
/// The problem of a wrong input.
pub(in crate::http) fn read(
    body: &[u8],
    header_length: Option<&[u8]>,
    rules: RowRules<'_>,
) -> Result<Request, Problem> {
    let json_bytes = match header_length {
        None => body.len(),
        Some(text) => length(text, body.len())?,
    };
    if json_bytes == 0 && header_length.is_some() {
        let rows = bare_rows(body, rules)?;
        return Ok(Request { id: None, rows, outputs: vec![Wanted { name: OUTPUT, binary: true }] });
    }
    let (json, binary) = body.split_at(json_bytes);
    // Triton's own client writes a missing value of a JSON tensor as the bare word NaN.
    let json = without_bare_words(json);
    let document: Document<'_> = serde_json::from_slice(&json).map_err(|error| wrong(error.to_string()))?;
    let binary_by_default = document.parameters.is_some_and(|p| p.binary_data_output == Some(true));
    let outputs = outputs(document.outputs.as_deref().unwrap_or_default(), binary_by_default)?;
    let rows = rows(&document.inputs, binary, rules)?;
    Ok(Request { id: document.id.map(Cow::into_owned), rows, outputs })
}

fn length(text: &[u8], body_bytes: usize) -> Result<usize, Problem> {
    let text = std::str::from_utf8(text).unwrap_or_default();
    match text.parse::<usize>() {
        Ok(length) if length <= body_bytes => Ok(length),
        Ok(length) => Err(wrong(format!(
            "Inference-Header-Content-Length is {length}, but the body has {body_bytes} bytes"
        ))),
        Err(_) => Err(wrong("Inference-Header-Content-Length is no number of bytes")),
    }
}

fn outputs(asked: &[Output<'_>], binary_by_default: bool) -> Result<Vec<Wanted>, Problem> {
    if asked.is_empty() {
        return Ok(vec![Wanted { name: OUTPUT, binary: binary_by_default }]);
    }
    let mut outputs: Vec<Wanted> = Vec::new();
    for output in asked {
        let Some(name) = [OUTPUT, TREESHAP_OUTPUT].into_iter().find(|name| *name == output.name) else {
            return Err(wrong(format!(
                "output {:?} is unknown; there are {OUTPUT:?} and {TREESHAP_OUTPUT:?}",
                output.name
            )));
        };
        if outputs.iter().any(|wanted| wanted.name == name) {
            return Err(wrong(format!("output {name:?} is asked for twice")));
        }
        let none = OutputParameters::default();
        let parameters = output.parameters.as_ref().unwrap_or(&none);
        for (parameter, is_there) in [
            ("classification", parameters.classification.is_some()),
            ("shared_memory_region", parameters.shared_memory_region.is_some()),
        ] {
            if is_there {
                return Err(wrong(format!("output {name:?}: {parameter} is not supported; leave it out")));
            }
        }
        outputs.push(Wanted { name, binary: parameters.binary_data.unwrap_or(binary_by_default) });
    }
    Ok(outputs)
}

/// Reads a body that consists of rows only, in the type that the model compares.
fn bare_rows(body: &[u8], rules: RowRules<'_>) -> Result<Rows, Problem> {
    let (datatype, width) = (Datatype::of_model(rules.doubles), rules.features.len());
    let row_bytes = width * datatype.size_bytes();
    if !body.len().is_multiple_of(row_bytes) {
        return Err(wrong(format!(
            "a bare tensor has {row_bytes} bytes a row ({width} of {}); the body has {}",
            datatype.name(),
            body.len()
        )));
    }
    check_rows(INPUT, (body.len() / row_bytes) as u64, rules)?;
    whole_rows(&read_binary(datatype, body), rules)
}

fn rows(inputs: &[Input<'_>], mut binary: &[u8], rules: RowRules<'_>) -> Result<Rows, Problem> {
    let is_whole = |input: &&Input<'_>| input.name == INPUT;
    let rows = match (inputs.iter().find(is_whole), inputs) {
        (Some(_), [input]) => {
            let width = rules.features.len();
            let shape = match *input.shape {
                [rows, columns] if columns == width as u64 => [check_rows(INPUT, rows, rules)?, width],
                [columns] if columns == width as u64 => [1, width],
                _ => {
                    return Err(wrong(format!(
                        "input {INPUT:?} has shape {:?}; send [rows, {width}]",
                        input.shape
                    )));
                }
            };
            whole_rows(&values(input, &shape[2 - input.shape.len()..], &mut binary)?, rules)
        }
        (Some(_), _) => {
            Err(wrong(format!("input {INPUT:?} holds whole rows; send it alone, or one input a feature")))
        }
        (None, _) => columns(inputs, &mut binary, rules),
    }?;
    if binary.is_empty() {
        return Ok(rows);
    }
    Err(wrong(format!("{} bytes follow the data of the last input", binary.len())))
}

/// Reads rows from one tensor for each feature.
fn columns(inputs: &[Input<'_>], binary: &mut &[u8], rules: RowRules<'_>) -> Result<Rows, Problem> {
    let Some(first) = inputs.first() else {
        return Err(wrong(format!("there is no input; send {INPUT:?}, or one input a feature")));
    };
    let count = check_rows(&first.name, first.shape.first().copied().unwrap_or(0), rules)?;
    let (mut reader, places) = Reader::new(rules).columns(inputs.iter().map(|input| &*input.name))?;
    let mut columns = Vec::with_capacity(inputs.len());
    for input in inputs {
        let rows = count as u64;
        if ![&[rows][..], &[rows, 1]].contains(&&*input.shape) {
            return Err(wrong(format!(
                "input {:?} has shape {:?}; send [{count}] or [{count}, 1], as many as the first input",
                input.name, input.shape
            )));
        }
        columns.push(values(input, &[count, 1][..input.shape.len()], binary)?);
    }
    for row in 0..count {
        reader.begin(Some(row));
        for ((input, place), column) in inputs.iter().zip(&places).zip(&columns) {
            if let Some(place) = *place {
                reader.put(place, &input.name, comparable(column[row], rules.doubles));
            }
        }
        reader.end();
    }
    reader.finish(count)
}

/// Reads rows in the model's own order.
fn whole_rows(values: &[f64], rules: RowRules<'_>) -> Result<Rows, Problem> {
    let mut reader = Reader::new(rules);
    let mut count = 0;
    for row in values.chunks_exact(rules.features.len()) {
        reader.begin(Some(count));
        for (index, (&value, feature)) in row.iter().zip(rules.features).enumerate() {
            reader.put(index, &feature.name, comparable(value, rules.doubles));
        }
        reader.end();
        count += 1;
    }
    reader.finish(count)
}

fn check_rows(input: &str, rows: u64, rules: RowRules<'_>) -> Result<usize, Problem> {
    match usize::try_from(rows) {
        Ok(rows) if (1..=rules.rows_max).contains(&rows) => Ok(rows),
        _ => Err(wrong(format!(
            "input {input:?} has {rows} rows; send 1 to {} (predict.rows_max)",
            rules.rows_max
        ))),
    }
}

/// The numbers of one input, bounded by its checked shape; binary ones are taken from the front of `binary`.
fn values(input: &Input<'_>, shape: &[usize], binary: &mut &[u8]) -> Result<Vec<f64>, Problem> {
    let about = |what: String| wrong(format!("input {:?}: {what}", input.name));
    let datatype = Datatype::named(&input.datatype).map_err(about)?;
    let announced = input.parameters.as_ref().and_then(|parameters| parameters.binary_data_size);
    match (input.data, announced) {
        (Some(data), None) => read_json(datatype, shape, data).map_err(about),
        (None, Some(bytes)) => {
            let expected = shape.iter().product::<usize>() * datatype.size_bytes();
            if bytes != expected as u64 {
                let name = datatype.name();
                return Err(about(format!(
                    "binary_data_size is {bytes}; {name} of shape {shape:?} has {expected}"
                )));
            }
            let Some((data, rest)) = binary.split_at_checked(expected) else {
                let left = binary.len();
                return Err(about(format!(
                    "has {expected} bytes of data, but only {left} are left in the body"
                )));
            };
            *binary = rest;
            Ok(read_binary(datatype, data))
        }
        (Some(_), Some(_)) => Err(about("has \"data\" and binary_data_size; send one of them".to_owned())),
        (None, None) => Err(about("has no \"data\" and no binary_data_size; send one of them".to_owned())),
    }
}

#[cfg(test)]
mod tests;
