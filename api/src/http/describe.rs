//! Documentation of an endpoint, written in its file; `/openapi.json` is made from it.
//!
//! Schemas of answers come from the serialized types; those of requests, whose parts are read one by one, are written
//! beside the code that reads them. Tests compare both with real traffic.

pub(super) mod prediction;

use model::Model;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// Documentation of one endpoint.
#[derive(Debug)]
pub(super) struct Doc {
    /// The group it is listed in.
    pub(super) tag: Tag,
    /// One line on what the endpoint does.
    pub(super) summary: &'static str,
    /// Further sentences; may be empty.
    pub(super) description: &'static str,
    /// Parameters in query and headers; those in the path come from the route.
    pub(super) parameters: &'static [Parameter],
    pub(super) body: Option<Content>,
    pub(super) answers: &'static [Answer],
    /// Error statuses, which come with a problem document.
    pub(super) errors: &'static [u16],
}

/// The groups, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Predictions,
    State,
    Models,
    OtherProtocols,
    Operation,
}

impl Tag {
    pub(super) const ALL: [Self; 5] =
        [Self::Predictions, Self::State, Self::Models, Self::OtherProtocols, Self::Operation];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Predictions => "Predictions",
            Self::State => "State",
            Self::Models => "Models",
            Self::OtherProtocols => "Other protocols",
            Self::Operation => "Operation",
        }
    }
}

/// A parameter in the query or a header.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) description: &'static str,
    pub(super) schema: SchemaOf,
}

/// The place of a parameter.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Query,
    Header,
}

/// A body, in one media type or several.
#[derive(Debug)]
pub(super) struct Content {
    /// Whether a request must have a body.
    pub(super) required: bool,
    pub(super) media: &'static [Media],
}

/// One media type of a body.
#[derive(Debug)]
pub(super) struct Media {
    pub(super) content_type: &'static str,
    pub(super) schema: SchemaOf,
    /// Requests that this service would answer, by name.
    pub(super) examples: &'static [(&'static str, ExampleOf)],
}

/// A success status, and its bodies.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) media: &'static [Media],
}

/// Makes a schema.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;
/// Makes an example; `None` if the service has nothing to make one from.
pub(super) type ExampleOf = fn(&Examples<'_>) -> Option<Value>;

/// The schema of a type.
pub(super) fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A JSON body.
pub(super) const fn json_of<T: JsonSchema>() -> Media {
    Media { content_type: super::reply::JSON, schema: of::<T>, examples: &[] }
}

/// A text body.
pub(super) const fn text(content_type: &'static str) -> Media {
    Media { content_type, schema: of::<String>, examples: &[] }
}

/// The schema of an object that is defined elsewhere.
pub(super) fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object"})
}

/// The schema of JSON followed by binary data, which no schema describes.
pub(super) fn bytes(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"description": "JSON, then the data of binary tensors, little-endian, in the order of the tensors."})
}

/// The loaded models and a live symbol, from which examples are made.
#[derive(Debug, Default)]
pub(super) struct Examples<'a> {
    pub(super) model: Option<&'a Model>,
    /// The version in the model's answers.
    pub(super) version: Option<&'a str>,
    /// The model of `{"features"}`, if it is not the loaded one.
    pub(super) older: Option<&'a Model>,
    /// A symbol that has state.
    pub(super) symbol: Option<String>,
}

/// Names and values of the first row in the model's self-test; 0 for a missing value.
pub(super) fn row_of(model: &Model) -> (Vec<String>, Vec<f64>) {
    let names: Vec<String> = model.info().features.iter().map(ToString::to_string).collect();
    let rows = model.self_test_rows();
    let value = |i: usize| rows.get(i).copied().filter(|value| value.is_finite()).unwrap_or(0.0);
    let values = (0..names.len()).map(value).collect();
    (names, values)
}

/// The row as a JSON object.
pub(super) fn row_object(model: &Model) -> Value {
    let (names, values) = row_of(model);
    names.into_iter().zip(values).map(|(name, value)| (name, json!(value))).collect()
}
