//! Makes the OpenAPI document from the list of endpoints, so that both always agree.

use hyper::StatusCode;
use schemars::{
    SchemaGenerator,
    generate::{Contract, SchemaSettings},
};
use serde_json::{Map, Value, json};

use super::{
    describe::{Answer, Content, Doc, Examples, Media, Parameter, Place, Tag, of},
    endpoint::{ENDPOINTS, Endpoint},
    problem::{Document, PROBLEM_JSON},
};
use crate::build_info;

const DESCRIPTION: &str = "Tells, per symbol, the probability that volatility spikes. Times are RFC 3339 in UTC, floats \
     the shortest that read back to the same bits. An error is a problem document (RFC 9457) that also carries `error` \
     in a few words. No Content-Type is needed. GET answers HEAD, too. `X-Request-Id` is taken or made, and returned; \
     `traceparent` is passed on.";

/// Name of the security scheme of model changes.
const ADMIN_TOKEN: &str = "adminToken";

/// The document, with examples from the loaded models and a live symbol.
pub(super) fn document(examples: &Examples<'_>) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.definitions_path = "/components/schemas".into();
        settings.contract = Contract::Serialize;
    });
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in ENDPOINTS {
        let path = paths.entry(endpoint.route.label()).or_insert_with(|| json!({}));
        path[endpoint.method.as_str().to_ascii_lowercase()] = operation(endpoint, &mut generator, examples);
    }
    let tags: Vec<Value> = Tag::ALL.iter().map(|tag| json!({"name": tag.name()})).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Stormglass",
            "version": build_info::VERSION,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {ADMIN_TOKEN: {
                "type": "http",
                "scheme": "bearer",
                "description": "server.admin_token; without one configured nobody may change the model.",
            }},
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator, examples: &Examples<'_>) -> Value {
    let Doc { tag, summary, description, parameters, ref body, answers, errors } = *endpoint.doc;
    let label = endpoint.route.label();
    let mut operation = json!({
        "tags": [tag.name()],
        "summary": summary,
        "operationId": operation_id(endpoint),
        "responses": {},
    });
    if !description.is_empty() {
        operation["description"] = description.into();
    }
    let mut all: Vec<Value> = segments(label).map(|name| path_parameter(name, examples)).collect();
    all.extend(parameters.iter().map(|parameter| other_parameter(parameter, generator)));
    if !all.is_empty() {
        operation["parameters"] = all.into();
    }
    // An endpoint that can answer 401 takes the token.
    if errors.contains(&401) {
        operation["security"] = json!([{ ADMIN_TOKEN: [] }]);
    }
    if let Some(Content { required, media }) = body {
        operation["requestBody"] =
            json!({"required": required, "content": content(media, generator, examples)});
    }
    for Answer { status, description, media } in answers {
        let mut answer = json!({"description": description});
        if !media.is_empty() {
            answer["content"] = content(media, generator, examples);
        }
        operation["responses"][status.to_string()] = answer;
    }
    for status in errors {
        let schema = of::<Document<'_>>(generator);
        let answer = json!({"description": meaning(*status), "content": {PROBLEM_JSON: {"schema": schema}}});
        operation["responses"][status.to_string()] = answer;
    }
    operation
}

/// `get_predict_symbol`.
fn operation_id(endpoint: &Endpoint) -> String {
    let words =
        endpoint.route.label().split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let method = endpoint.method.as_str().to_ascii_lowercase();
    std::iter::once(method.as_str()).chain(words).collect::<Vec<_>>().join("_")
}

/// The names of a route's variable segments.
fn segments(label: &str) -> impl Iterator<Item = &str> {
    label.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn path_parameter(name: &str, examples: &Examples<'_>) -> Value {
    let (description, example) = match name {
        "symbol" => ("venue:product, or the product alone while it is unambiguous.", examples.symbol.clone()),
        "name" => ("The name of a model of `/models`, or name@version.", Some("default".to_owned())),
        "model" => ("The name of a loaded model.", examples.model.map(|model| model.info().name.clone())),
        "version" => ("Its version.", examples.version.map(str::to_owned)),
        _ => ("", None),
    };
    let mut parameter = json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}});
    if !description.is_empty() {
        parameter["description"] = description.into();
    }
    if let Some(example) = example {
        parameter["example"] = example.into();
    }
    parameter
}

fn other_parameter(parameter: &Parameter, generator: &mut SchemaGenerator) -> Value {
    let place = match parameter.place {
        Place::Query => "query",
        Place::Header => "header",
    };
    json!({
        "name": parameter.name,
        "in": place,
        "description": parameter.description,
        "schema": (parameter.schema)(generator),
    })
}

fn content(media: &[Media], generator: &mut SchemaGenerator, examples: &Examples<'_>) -> Value {
    let mut content = json!({});
    for media in media {
        let mut one = json!({"schema": (media.schema)(generator)});
        let made = media.examples.iter().filter_map(|(name, make)| Some((*name, make(examples)?)));
        let made: Map<String, Value> =
            made.map(|(name, value)| (name.to_owned(), json!({"value": value}))).collect();
        if !made.is_empty() {
            one["examples"] = made.into();
        }
        content[media.content_type] = one;
    }
    content
}

/// The meaning of an error status.
fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The body is not what its type says, or the path is not percent-encoded UTF-8.",
        401 => "The admin token is missing, or another.",
        403 => "No admin token is configured.",
        404 => "There is no such symbol, model or state.",
        408 => "The body did not arrive within server.body_timeout_s.",
        409 => {
            "The symbol or model is ambiguous (`candidates` lists what it may mean), or the model is refused."
        }
        413 => "The body is longer than server.body_max_bytes.",
        415 => "The content type is none of those listed.",
        422 => "The request says what cannot be answered; each field at fault is named under `errors`.",
        501 => "The body is encoded in a way that is not supported.",
        503 => "Nothing scores, a queue is full, or the service stops; with Retry-After where waiting helps.",
        504 => "The deadline passed.",
        _ => StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("An error."),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn plain() -> Value {
        document(&Examples::default())
    }

    #[test]
    fn every_route_and_method_is_in_it_and_nothing_else() {
        let document = plain();
        let listed: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                methods.as_object().unwrap().keys().map(move |method| (path.clone(), method.clone()))
            })
            .collect();
        let served: BTreeSet<(String, String)> = ENDPOINTS
            .iter()
            .map(|e| (e.route.label().to_owned(), e.method.as_str().to_ascii_lowercase()))
            .collect();
        assert_eq!(listed, served);
        assert_eq!(served.len(), ENDPOINTS.len(), "two endpoints share route and method");
    }

    #[test]
    fn every_operation_has_a_summary_an_answer_and_a_name_of_its_own() {
        let mut names = BTreeSet::new();
        for endpoint in ENDPOINTS {
            let doc = endpoint.doc;
            assert!(doc.summary.ends_with('.'), "{}: {:?}", endpoint.route.label(), doc.summary);
            assert!(!doc.answers.is_empty(), "{}", endpoint.route.label());
            assert!(names.insert(operation_id(endpoint)), "{}", operation_id(endpoint));
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
            match value {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str));
                    map.values().for_each(|value| references(value, found));
                }
                Value::Array(list) => list.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = plain();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20, "{found:?}");
        for reference in found {
            let pointer = reference.strip_prefix('#').expect("a reference within the document");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
