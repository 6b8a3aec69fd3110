//! `GET /livez`: the front runs. Says nothing of the engine: a restart would not load a model.

use hyper::{Method, StatusCode};

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{
    reply::{JSON, reply},
    route::Route,
};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { method: Method::GET, route: Route::Exact("/livez"), observed: Observed::Probe, handle };

fn handle(_call: Call<'_>) -> Answering<'_> {
    Box::pin(async { Ok(reply(StatusCode::OK, JSON, &b"{\"live\":true}"[..])) })
}
