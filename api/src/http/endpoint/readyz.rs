//! `GET /readyz?verbose`: whether the service is ready for traffic, and which checks fail.

use hyper::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{
    condition::Condition,
    describe::{self, Doc, Parameter, Place, Tag, of},
    reply::json,
    route::{Route, query_value},
};

const DOC: Doc = Doc {
    tag: Tag::Operation,
    summary: "Whether traffic may come.",
    description: "",
    parameters: &[Parameter {
        name: "verbose",
        place: Place::Query,
        description: "Given, all checks are listed.",
        schema: of::<Option<String>>,
    }],
    body: None,
    answers: &[
        describe::Answer { status: 200, description: "Ready.", media: &[describe::json_of::<Answer>()] },
        describe::Answer {
            status: 503,
            description: "Not ready: the checks that fail.",
            media: &[describe::json_of::<Answer>()],
        },
    ],
    errors: &[],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/readyz"),
    observed: Observed::Probe,
    doc: &DOC,
    handle,
};

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ReadinessCheck")]
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Readiness")]
struct Answer {
    ready: bool,
    /// The checks that fail; all of them where `verbose` is asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<Check>,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let condition = Condition::of(call.app);
        let verbose = query_value(call.head.uri.query(), "verbose").is_some();
        let ready = condition.is_ready();
        let check = |(name, ok, detail)| Check { name, ok, detail };
        let checks = condition.checks().map(check).into_iter().filter(|c| verbose || !c.ok).collect();
        let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        Ok(json(code, &Answer { ready, checks }))
    })
}
