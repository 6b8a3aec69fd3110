//! `DELETE /models/active`: removes the record and makes the configured model the active one.

use hyper::Method;

use super::answer::{REASON_MEDIA, ReasonBody, change, made, read};
use crate::http::{
    describe::Doc,
    endpoint::{Answering, Call, Endpoint, Observed},
    route::Route,
};

const DOC: Doc = change("The record goes, and the configured model answers.", "", REASON_MEDIA);

pub(in crate::http::endpoint) const ENDPOINT: Endpoint = Endpoint {
    method: Method::DELETE,
    route: Route::Exact("/models/active"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let app = call.app.clone();
        let (_, asked) = read(call, |body: &ReasonBody| body.reason.as_deref()).await?;
        made(async move { app.models.clear(asked).await }).await
    })
}
