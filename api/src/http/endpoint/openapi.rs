//! `GET /openapi.json`: the API's description, for generators of clients and for `/docs`.

use hyper::{Method, StatusCode};

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{
    describe::{self, Doc, Examples, Tag},
    openapi,
    reply::{JSON, json},
    route::Route,
};

const DOC: Doc = Doc {
    tag: Tag::Operation,
    summary: "This document.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "OpenAPI 3.1, with examples of the model that is loaded.",
        media: &[describe::Media { content_type: JSON, schema: describe::any_object, examples: &[] }],
    }],
    errors: &[],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/openapi.json"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let app = call.app;
        let model = app.engine.model.load_full();
        let examples = Examples {
            model: model.as_deref(),
            version: model.as_deref().map(|model| app.version_of(model.info())),
            older: app.legacy_model.as_deref(),
            symbol: app.engine.symbols.all().first().map(|symbol| symbol.name.to_string()),
        };
        Ok(json(StatusCode::OK, &openapi::document(&examples)))
    })
}
