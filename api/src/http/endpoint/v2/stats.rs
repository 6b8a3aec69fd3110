//! `GET /v2/models/{model}/stats`: counts and times of this protocol's requests for a model since the start.

use std::sync::atomic::Ordering::Relaxed;

use hyper::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed, Problem, of_model, of_version};
use crate::{
    http::{
        describe::{self, Doc, Tag},
        loaded,
        reply::json,
    },
    metrics::Timed,
};

const DOC: Doc = Doc {
    tag: Tag::OtherProtocols,
    summary: "What the Open Inference Protocol asked of a model since the start.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "Counts and nanoseconds.",
        media: &[describe::json_of::<Answer<'_>>()],
    }],
    errors: &[404, 503],
};

pub(in crate::http::endpoint) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: of_model("/v2/models/{model}/stats", "/stats"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

pub(in crate::http::endpoint) const VERSION: Endpoint =
    Endpoint { route: of_version("/v2/models/{model}/versions/{version}/stats", "/stats"), ..ENDPOINT };

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ModelStatistics")]
struct Answer<'a> {
    model_stats: [ModelStats<'a>; 1],
}

#[derive(JsonSchema, Serialize)]
struct ModelStats<'a> {
    name: &'a str,
    version: &'a str,
    /// Time of the newest request, milliseconds since the epoch; 0 before the first.
    last_inference: u64,
    /// Number of scored rows.
    inference_count: u64,
    /// Number of scored requests.
    execution_count: u64,
    inference_stats: InferenceStats,
    /// Always empty: rows of several requests are not batched.
    batch_stats: [(); 0],
}

#[derive(JsonSchema, Serialize)]
struct InferenceStats {
    success: Duration,
    fail: Duration,
    /// Always 0: the wait for a shard is part of `compute_infer`.
    queue: Duration,
    compute_input: Duration,
    compute_infer: Duration,
    compute_output: Duration,
}

#[derive(Default, JsonSchema, Serialize)]
#[schemars(rename = "InferenceDuration")]
struct Duration {
    count: u64,
    /// Total time in nanoseconds.
    ns: u64,
}

impl From<&Timed> for Duration {
    fn from(timed: &Timed) -> Self {
        let (count, ns) = timed.read();
        Self { count, ns }
    }
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let loaded = loaded::find(call.app, &call.symbol, call.version.as_deref());
        let loaded = loaded.map_err(Problem::for_inference)?;
        let counts = call.app.metrics.inferences.of(loaded.name(), &loaded.version);
        let stats = ModelStats {
            name: loaded.name(),
            version: &loaded.version,
            last_inference: counts.last_at_ms.load(Relaxed),
            inference_count: counts.rows.load(Relaxed),
            execution_count: counts.infer.read().0,
            inference_stats: InferenceStats {
                success: (&counts.success).into(),
                fail: (&counts.fail).into(),
                queue: Duration::default(),
                compute_input: (&counts.input).into(),
                compute_infer: (&counts.infer).into(),
                compute_output: (&counts.output).into(),
            },
            batch_stats: [],
        };
        Ok(json(StatusCode::OK, &Answer { model_stats: [stats] }))
    })
}
