//! The list of endpoints: one file and one line each. No other code matches on a route.

use std::{borrow::Cow, future::Future, pin::Pin, sync::Arc, time::Instant};

use hyper::{Method, Response, StatusCode, body::Incoming, header::HeaderValue, http::request::Parts};

use super::{app::App, describe::Doc, forward::Asker, problem::Problem, reply::Body, route::Route};

mod docs;
mod events;
mod features;
mod health;
mod history;
mod invocations;
mod livez;
mod metrics;
mod models;
mod openapi;
mod page;
mod ping;
mod predict;
mod predict_symbol;
mod quality;
mod readyz;
mod sources;
mod stream;
mod symbols;
mod v2;
mod version;

/// All endpoints, in the order in which they are tried: the most frequent ones first.
pub static ENDPOINTS: &[Endpoint] = &[
    predict_symbol::ENDPOINT,
    predict::ENDPOINT,
    v2::infer::ENDPOINT,
    v2::infer::VERSION,
    invocations::ENDPOINT,
    stream::ENDPOINT,
    symbols::ENDPOINT,
    features::ENDPOINT,
    history::ENDPOINT,
    quality::ENDPOINT,
    events::ENDPOINT,
    sources::ENDPOINT,
    health::ENDPOINT,
    livez::ENDPOINT,
    readyz::ENDPOINT,
    version::ENDPOINT,
    metrics::ENDPOINT,
    page::ENDPOINT,
    openapi::ENDPOINT,
    docs::ENDPOINT,
    ping::ENDPOINT,
    v2::server::ENDPOINT,
    v2::health::LIVE,
    v2::health::READY,
    v2::model::METADATA,
    v2::model::VERSION_METADATA,
    v2::model::READY,
    v2::model::VERSION_READY,
    v2::config::ENDPOINT,
    v2::config::VERSION,
    v2::stats::ENDPOINT,
    v2::stats::VERSION,
    v2::index::ENDPOINT,
    models::ENDPOINT,
    models::activate::ENDPOINT,
    models::rollback::ENDPOINT,
    models::shadow::ENDPOINT,
    models::shadow::OFF,
    models::active::ENDPOINT,
];

/// The metrics that count an endpoint's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// `http_requests_total` and `prediction_latency_seconds`.
    Prediction,
    /// `http_requests_total`.
    Ordinary,
    /// No metric, because probes and scrapes would hide errors of users.
    Probe,
}

/// One route and method with its handler.
#[derive(Debug)]
pub struct Endpoint {
    /// The method; GET serves HEAD too.
    pub method: Method,
    /// The path.
    pub route: Route,
    /// The metrics that count its requests.
    pub observed: Observed,
    /// Its part of `/openapi.json`.
    pub(super) doc: &'static Doc,
    /// Answers a request.
    pub(super) handle: for<'a> fn(Call<'a>) -> Answering<'a>,
}

impl Endpoint {
    /// Whether its documentation lists this status.
    pub(super) fn has_status(&self, status: u16) -> bool {
        self.doc.answers.iter().any(|answer| answer.status == status) || self.doc.errors.contains(&status)
    }
}

/// The future of an endpoint's answer.
pub(super) type Answering<'a> = Pin<Box<dyn Future<Output = Result<Response<Body>, Problem>> + Send + 'a>>;

/// A request as passed to an endpoint.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) app: &'a Arc<App>,
    pub(super) head: &'a Parts,
    /// The id that the client sent, or a new one.
    pub(super) request_id: &'a HeaderValue,
    /// The symbol or the model's name in the path; empty if the route has none.
    pub(super) symbol: Cow<'a, str>,
    /// The model's version in the path.
    pub(super) version: Option<Cow<'a, str>>,
    pub(super) body: Incoming,
    pub(super) received_at: Instant,
}

/// The problem for a symbol that was routed but whose first tick has not reached its shard yet.
pub(super) fn no_state(name: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "No state yet",
        format!("{name} has no accepted tick yet; retry soon"),
    )
}

impl Call<'_> {
    /// The client's headers and deadline, for a request to another instance.
    pub(super) fn asker(&self) -> Asker<'_> {
        let Self { app, head, request_id, .. } = *self;
        Asker { app, headers: &head.headers, request_id, deadline: self.deadline() }
    }

    /// The time `server.deadline_ms` after the request's arrival, before which the engine must answer.
    pub(super) fn deadline(&self) -> Instant {
        self.app.deadline(self.received_at)
    }
}
