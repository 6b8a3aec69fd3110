//! `GET /models`: the models that can be activated, the active one and the one before.

pub(super) mod activate;
pub(super) mod active;
mod answer;
pub(super) mod rollback;
pub(super) mod shadow;

use engine::handle::AskError;
use hyper::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use self::answer::{Listed, problem};
use super::{Answering, Call, Endpoint, Observed};
use crate::{
    http::{
        describe::{self, Doc, Tag},
        reply::json,
        route::Route,
    },
    models::{ChangeError, Version},
};

const DOC: Doc = Doc {
    tag: Tag::Models,
    summary: "What can be activated, what is active, and what was before.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "The models in use first, then what else there is.",
        media: &[describe::json_of::<Answer<'_>>()],
    }],
    errors: &[503, 504],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/models"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Models")]
struct Answer<'a> {
    /// The active model as `name@version`; `null` if there is none.
    active: Option<String>,
    previous: Option<String>,
    shadow: Option<String>,
    variant_source: &'a str,
    /// Path of the record of activations; `null` if an activation lasts only until the process ends.
    record: Option<String>,
    directory: Option<String>,
    /// Number of files that are not listed.
    left_out: usize,
    models: Vec<Listed>,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let models = &call.app.models;
        let listing = tokio::time::timeout_at(call.deadline().into(), models.list()).await;
        let (seen, left_out) = match listing {
            Ok(listed) => listed.map_err(|error| problem(ChangeError::Find(error)))?,
            Err(_) => return Err(AskError::Deadline.into()),
        };
        let held = models.held();
        let name = |version: &Version| format!("{}@{}", version.name, version.info().version);
        let path = |path: &std::path::Path| path.display().to_string();
        let answer = Answer {
            active: held.active.as_deref().map(name),
            previous: held.previous.as_deref().map(name),
            shadow: held.shadow.as_deref().map(name),
            variant_source: &held.report.variant_source,
            record: models.record_path().map(path),
            directory: models.catalog().directory().map(path),
            left_out,
            models: answer::list(&held, seen),
        };
        Ok(json(StatusCode::OK, &answer))
    })
}
