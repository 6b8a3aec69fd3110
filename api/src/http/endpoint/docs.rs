//! `GET /docs`: a page that shows `/openapi.json` and sends requests, one file without any outside download.
//!
//! It is our own: a viewer of others would be a megabyte and more of their code in this repository.

use hyper::{
    Method, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue},
};

use super::{
    Answering, Call, Endpoint, Observed,
    page::{HTML, POLICY},
};
use crate::http::{
    describe::{self, Doc, Tag},
    reply::reply,
    route::Route,
};

const DOC: Doc = Doc {
    tag: Tag::Operation,
    summary: "This documentation as a page.",
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
    route: Route::Exact("/docs"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

const PAGE: &str = include_str!("../../page/docs.html");

fn handle(_: Call<'_>) -> Answering<'_> {
    Box::pin(async {
        let mut response = reply(StatusCode::OK, HTML, PAGE);
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Ok(response)
    })
}
