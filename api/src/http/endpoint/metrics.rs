//! `GET /metrics`: Prometheus text.

use hyper::{Method, StatusCode};

use super::{Answering, Call, Endpoint, Observed};
use crate::{
    http::{problem::Problem, reply::reply, route::Route},
    metrics,
};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { method: Method::GET, route: Route::Exact("/metrics"), observed: Observed::Probe, handle };

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        match metrics::render(call.app) {
            Ok(text) => Ok(reply(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text)),
            Err(error) => Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Metrics cannot be written",
                error.to_string(),
            )),
        }
    })
}
