//! `POST /models/{name}/rollback`: makes the model before `name`, which is active, the active one again. `active` is a
//! valid name too.

use hyper::Method;

use super::answer::{REASON_MEDIA, ReasonBody, change, made, read};
use crate::http::{
    describe::Doc,
    endpoint::{Answering, Call, Endpoint, Observed},
    route::Route,
};

const ROUTE: Route =
    Route::Symbol { label: "/models/{name}/rollback", before: "/models/", after: "/rollback" };

const DOC: Doc = change(
    "The model before the active one answers again.",
    "It is still mapped and warm. `active` may stand for the name.",
    REASON_MEDIA,
);

pub(in crate::http::endpoint) const ENDPOINT: Endpoint =
    Endpoint { method: Method::POST, route: ROUTE, observed: Observed::Ordinary, doc: &DOC, handle };

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let (app, name) = (call.app.clone(), call.symbol.to_string());
        let (_, asked) = read(call, |body: &ReasonBody| body.reason.as_deref()).await?;
        made(async move { app.models.roll_back(&name, asked).await }).await
    })
}
