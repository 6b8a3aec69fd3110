//! `GET /health`: healthy, degraded (200), or unavailable (503): only when nothing can be scored.

use hyper::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{
    condition::Condition,
    describe::{self, Doc, Tag},
    feed::FeedBody,
    reply::json,
    route::Route,
};

const DOC: Doc = Doc {
    tag: Tag::Operation,
    summary: "How the service stands, and why.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[
        describe::Answer {
            status: 200,
            description: "Healthy, or degraded with reasons.",
            media: &[describe::json_of::<Answer<'_>>()],
        },
        describe::Answer {
            status: 503,
            description: "Nothing can be scored: no model, no shard, or draining.",
            media: &[describe::json_of::<Answer<'_>>()],
        },
    ],
    errors: &[],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/health"),
    observed: Observed::Probe,
    doc: &DOC,
    handle,
};

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Health")]
struct Answer<'a> {
    status: &'static str,
    timestamp: String,
    model_loaded: bool,
    /// Whether a broker is connected; `null` if Kafka is not configured.
    kafka_connected: Option<bool>,
    reasons: Vec<String>,
    source: &'static str,
    feed: FeedBody,
    ready: bool,
    model_version: Option<&'a str>,
    shards_alive: usize,
    shards: usize,
    symbols: usize,
    connections: usize,
    uptime_s: f64,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let app = call.app;
        let condition = Condition::of(app);
        let reasons = condition.reasons(app);
        let (code, status) = match (condition.can_score(), reasons.is_empty()) {
            (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            (true, false) => (StatusCode::OK, "degraded"),
            (true, true) => (StatusCode::OK, "healthy"),
        };
        let model = app.engine.model.load_full();
        let answer = Answer {
            status,
            timestamp: crate::now_text(),
            model_loaded: condition.model_loaded,
            kafka_connected: condition.kafka_connected,
            ready: condition.is_ready(),
            reasons,
            source: app.source.state().name(),
            feed: (&condition.feed).into(),
            model_version: model.as_deref().map(|m| app.version_of(m.info())),
            shards_alive: condition.shards_alive,
            shards: condition.shards,
            symbols: app.engine.symbols.all().len(),
            connections: app.connections_open(),
            uptime_s: app.uptime().as_secs_f64(),
        };
        Ok(json(code, &answer))
    })
}
