//! `GET /events?kind=…`: the service's events, the newest first.

use std::borrow::Cow;

use engine::events::{Event, KINDS};
use hyper::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{
    describe::{self, Doc, Parameter, Place, Tag, of},
    problem::Problem,
    reply::json,
    route::{Route, query_value},
};

const DOC: Doc = Doc {
    tag: Tag::State,
    summary: "What happened to the service, the newest first.",
    description: "",
    parameters: &[Parameter {
        name: "kind",
        place: Place::Query,
        description: "Only events of this kind.",
        schema: of::<Option<String>>,
    }],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "The events that are kept, up to 256 of each kind.",
        media: &[describe::json_of::<Answer>()],
    }],
    errors: &[422],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/events"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Events")]
struct Answer {
    #[schemars(with = "Vec<EventSchema>")]
    events: Vec<Event>,
}

/// The schema of an event, whose JSON the engine writes itself.
struct EventSchema;

impl JsonSchema for EventSchema {
    fn schema_name() -> Cow<'static, str> {
        "Event".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "Beside these, what there is to say of an event of its kind.",
            "required": ["kind", "noted_at"],
            "properties": {
                "kind": {"enum": KINDS},
                "noted_at": {"type": "string", "format": "date-time", "description": "By the wall clock."},
                "symbol": {"type": "string"},
                "as_of": {"type": "string", "format": "date-time", "description": "Event time."}
            },
            "additionalProperties": true
        })
    }
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let kind = query_value(call.head.uri.query(), "kind").filter(|kind| !kind.is_empty());
        if let Some(unknown) = kind.filter(|kind| !KINDS.contains(kind)) {
            let detail = format!("kind is {unknown:?}; it is one of {KINDS:?}, or absent for all");
            return Err(Problem::unprocessable("Unknown kind of event", detail));
        }
        Ok(json(StatusCode::OK, &Answer { events: call.app.engine.events.read(kind) }))
    })
}
