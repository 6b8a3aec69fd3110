//! `GET /`: the live page, one file that loads nothing from elsewhere.

use bytes::Bytes;
use hyper::{
    Method, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue},
};

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{
    describe::{self, Doc, Tag},
    reply::{Body, reply},
    route::Route,
};

const DOC: Doc = Doc {
    tag: Tag::State,
    summary: "The live page.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "One file without any outside download.",
        media: &[describe::text(HTML)],
    }],
    errors: &[],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

pub(super) const HTML: &str = "text/html; charset=utf-8";

const PAGE: &str = include_str!("../../page/index.html");

/// The attribute that gives the page the age from which on an answer is stale.
const STALE_AFTER: &str = r#"data-stale-after-s="60""#;

/// The page may use its own script and style and this server, nothing else.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async {
        let stale_after = format!("data-stale-after-s=\"{}\"", call.app.config.predict.stale_after_s.get());
        Ok(page(PAGE.replacen(STALE_AFTER, &stale_after, 1)))
    })
}

/// Answers with a page under [`POLICY`].
pub(super) fn page(text: impl Into<Bytes>) -> Response<Body> {
    let mut response = reply(StatusCode::OK, HTML, text);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
