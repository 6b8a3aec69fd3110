//! `GET /version`: the running build, the loaded model (not the configured one), and the runtime.

use hyper::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed};
use crate::{
    build_info,
    http::{
        describe::{self, Doc, Tag},
        reply::json,
        route::Route,
    },
};

const DOC: Doc = Doc {
    tag: Tag::Operation,
    summary: "What is running: build, model, runtime.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "The build, and the model that is in memory.",
        media: &[describe::json_of::<Answer<'_>>()],
    }],
    errors: &[],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/version"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Version")]
struct Answer<'a> {
    version: &'a str,
    sha: &'a str,
    model: Option<&'a str>,
    model_version: Option<&'a str>,
    model_variant: Option<&'a str>,
    variant_source: &'a str,
    model_path: Option<&'a str>,
    model_sha256: Option<&'a str>,
    feature_schema: String,
    runtime: &'a str,
    runtime_reason: &'a str,
    built: Option<String>,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let app = call.app;
        // Read once, because the model and its origin belong together.
        let held = app.models.held();
        let info = held.active.as_ref().map(|version| version.info());
        let answer = Answer {
            version: build_info::VERSION,
            sha: build_info::SHA,
            model: info.map(|i| i.name.as_str()),
            model_version: info.map(|i| app.version_of(i)),
            model_variant: info.map(|i| i.variant.as_str()),
            variant_source: &held.report.variant_source,
            model_path: held.report.path.as_deref(),
            model_sha256: info.map(|i| i.sha256.as_str()),
            feature_schema: format!("{:016x}", model::schema::fingerprint(&engine::features::schema())),
            runtime: app.engine.runtime.name,
            runtime_reason: &app.engine.runtime.reason,
            built: build_info::commit_time(),
        };
        Ok(json(StatusCode::OK, &answer))
    })
}
