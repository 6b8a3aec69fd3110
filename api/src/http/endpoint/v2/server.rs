//! `GET /v2`: what this server is, and which extensions it has.

use hyper::{Method, StatusCode};
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed, Route};
use crate::{
    build_info,
    http::{inference::EXTENSIONS, reply::json},
};

pub(in crate::http::endpoint) const ENDPOINT: Endpoint =
    Endpoint { method: Method::GET, route: Route::Exact("/v2"), observed: Observed::Ordinary, handle };

#[derive(Serialize)]
struct Answer {
    name: &'static str,
    version: &'static str,
    extensions: [&'static str; EXTENSIONS.len()],
}

fn handle(_: Call<'_>) -> Answering<'_> {
    Box::pin(async {
        let answer = Answer { name: "stormglass", version: build_info::VERSION, extensions: EXTENSIONS };
        Ok(json(StatusCode::OK, &answer))
    })
}
