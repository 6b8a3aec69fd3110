//! `GET /docs`: a page that shows `/openapi.json` and sends requests; one file that loads nothing from elsewhere.
//!
//! It is our own, because a third-party viewer would add a megabyte and more to this repository.

use hyper::Method;

use super::{
    Answering, Call, Endpoint, Observed,
    page::{HTML, page},
};
use crate::http::{
    describe::{self, Doc, Tag},
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
    Box::pin(async { Ok(page(PAGE)) })
}
