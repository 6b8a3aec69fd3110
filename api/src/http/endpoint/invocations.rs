//! `POST /invocations`: MLflow's scoring protocol. Input that MLflow's own server drops silently is an error here: a
//! column that the model does not know, a missing value, a key beside the rows.

use std::time::Instant;

use hyper::{
    Method, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use model::Model;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Value, json as value, value::RawValue};

use super::{Answering, Call, Endpoint, Observed, predict::not_readable};
use crate::http::{
    app::App,
    body,
    describe::{self, Content, Doc, Examples, Media, Tag, row_object, row_of},
    json_text::without_bare_words,
    problem::Problem,
    reply::{Body, JSON, json},
    route::Route,
    rows::{RowRules, Rows, read_columns, read_csv, read_rows, read_split},
    scoring::{Missing, Scores, missing_by_row, rules, score},
};

const DOC: Doc = Doc {
    tag: Tag::OtherProtocols,
    summary: "Rows scored, by MLflow's scoring protocol.",
    description: "Exactly one of the first four keys. What MLflow drops in silence is an error: a column that the model \
                  does not know, a missing value (null or the bare word NaN) unless predict.missing allows it, a parameter.",
    parameters: &[],
    body: Some(Content {
        required: true,
        media: &[
            Media {
                content_type: JSON,
                schema: request_schema,
                examples: &[
                    ("dataframe_split", split_example),
                    ("dataframe_records", records_example),
                    ("instances", instances_example),
                    ("inputs", inputs_example),
                ],
            },
            describe::text("text/csv"),
        ],
    }),
    answers: &[describe::Answer {
        status: 200,
        description: "One number a row, or one for each class.",
        media: &[describe::json_of::<Answer<'_>>()],
    }],
    errors: &[400, 408, 413, 415, 422, 503, 504],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::POST,
    route: Route::Exact("/invocations"),
    observed: Observed::Prediction,
    doc: &DOC,
    handle,
};

fn request_schema(_: &mut SchemaGenerator) -> Schema {
    let number = value!({"type": ["number", "null"]});
    let rows = value!({"type": "array", "items": {"type": "object", "additionalProperties": &number}});
    json_schema!({
        "type": "object",
        "properties": {
            "dataframe_split": {
                "type": "object",
                "required": ["columns", "data"],
                "properties": {
                    "columns": {"type": "array", "items": {"type": "string"}},
                    "data": {"type": "array", "items": {"type": "array", "items": &number}},
                    "index": {"description": "Not looked at."}
                }
            },
            "dataframe_records": &rows,
            "instances": &rows,
            "inputs": {"type": "object", "additionalProperties": {"type": "array", "items": &number}},
            "params": {"type": ["object", "null"], "maxProperties": 0}
        }
    })
}

fn split_example(examples: &Examples<'_>) -> Option<Value> {
    let (columns, row) = row_of(examples.model?);
    Some(value!({"dataframe_split": {"columns": columns, "data": [row]}}))
}

fn records_example(examples: &Examples<'_>) -> Option<Value> {
    Some(value!({"dataframe_records": [row_object(examples.model?)]}))
}

fn instances_example(examples: &Examples<'_>) -> Option<Value> {
    Some(value!({"instances": [row_object(examples.model?)]}))
}

fn inputs_example(examples: &Examples<'_>) -> Option<Value> {
    let (names, row) = row_of(examples.model?);
    let columns: Value = names.into_iter().zip(row).map(|(name, value)| (name, value!([value]))).collect();
    Some(value!({"inputs": columns}))
}

/// The body: exactly one of the first four.
#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with one of the keys \"dataframe_split\", \"dataframe_records\", \"instances\", \"inputs\""
)]
struct Request<'a> {
    #[serde(borrow)]
    dataframe_split: Option<&'a RawValue>,
    #[serde(borrow)]
    dataframe_records: Option<&'a RawValue>,
    #[serde(borrow)]
    instances: Option<&'a RawValue>,
    #[serde(borrow)]
    inputs: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with \"columns\" and \"data\"")]
struct Split<'a> {
    #[serde(borrow)]
    columns: &'a RawValue,
    #[serde(borrow)]
    data: &'a RawValue,
    /// The rows' labels, which answers do not repeat.
    #[serde(rename = "index", default)]
    _index: IgnoredAny,
}

/// The forms of a body.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    Json,
    Csv,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Invocation")]
struct Answer<'a> {
    predictions: Scores<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    missing: &'a [Missing],
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move { invoke(call).await.map_err(Problem::for_mlflow) })
}

async fn invoke(call: Call<'_>) -> Result<Response<Body>, Problem> {
    let app: &App = call.app;
    let bytes = body::read(call.body, app).await?;
    let deadline = app.deadline(Instant::now());
    let form = form_of(&call.head.headers)?;
    let model = app.engine.model.load_full().ok_or_else(Problem::no_model)?;
    let mut rows = read(&form, &bytes, rules(app, &model))?;
    let missing = missing_by_row(&mut rows);
    let scores = score(app, &model, app.version_of(model.info()), rows.values, deadline).await?;
    Ok(answer(&model, &scores, &missing))
}

fn answer(model: &Model, scores: &[f64], missing: &[Missing]) -> Response<Body> {
    json(StatusCode::OK, &Answer { predictions: Scores::new(model, scores), missing })
}

/// The form of the body, from its content type. Without one it is JSON, and also with the form type that `curl --data`
/// adds.
fn form_of(headers: &HeaderMap) -> Result<Form, Problem> {
    let Some(given) = headers.get(CONTENT_TYPE) else { return Ok(Form::Json) };
    let given = given.to_str().unwrap_or_default();
    match given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" | "application/x-www-form-urlencoded" => Ok(Form::Json),
        "text/csv" => Ok(Form::Csv),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Unsupported content type",
            format!("Content-Type is {given:?}; send application/json or text/csv"),
        )),
    }
}

fn read(form: &Form, bytes: &[u8], rules: RowRules<'_>) -> Result<Rows, Problem> {
    if *form == Form::Csv {
        return read_csv(bytes, rules);
    }
    // MLflow's own client writes a missing value of a DataFrame as the bare word NaN.
    let text = without_bare_words(bytes);
    let request: Request<'_> = serde_json::from_slice(&text).map_err(|error| not_readable(bytes, &error))?;
    if request.params.is_some_and(|params| params.get() != "{}") {
        return Err(Problem::unprocessable(
            "Unknown parameters",
            "the model takes no \"params\"; leave them out",
        ));
    }
    match (request.dataframe_split, request.dataframe_records, request.instances, request.inputs) {
        (Some(split), None, None, None) => {
            let split: Split<'_> = serde_json::from_str(split.get()).map_err(|error| {
                Problem::unprocessable("Invalid rows", format!("\"dataframe_split\": {error}"))
            })?;
            read_split("dataframe_split", split.columns, split.data, rules)
        }
        (None, Some(records), None, None) => read_rows("dataframe_records", records, rules),
        (None, None, Some(instances), None) => read_rows("instances", instances, rules),
        (None, None, None, Some(inputs)) => read_columns("inputs", inputs, rules),
        _ => Err(Problem::unprocessable(
            "Nothing to predict",
            "send exactly one of \"dataframe_split\", \"dataframe_records\", \"instances\" (a list of objects), \
             \"inputs\" (an object of feature: list of numbers)",
        )),
    }
}
