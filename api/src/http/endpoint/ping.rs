//! `GET /ping`: whether rows can be scored; MLflow's and SageMaker's clients ask for it.

use hyper::{Method, StatusCode};

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{
    condition::Condition,
    describe::{self, Doc, Tag},
    problem::Problem,
    reply::{JSON, reply},
    route::Route,
};

const DOC: Doc = Doc {
    tag: Tag::OtherProtocols,
    summary: "Whether rows can be scored, as MLflow and SageMaker ask.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer { status: 200, description: "They can.", media: &[describe::text(JSON)] }],
    errors: &[503],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/ping"),
    observed: Observed::Probe,
    doc: &DOC,
    handle,
};

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let condition = Condition::of(call.app);
        if condition.can_score() {
            return Ok(reply(StatusCode::OK, JSON, "\n"));
        }
        let reasons = condition.reasons(call.app).join("; ");
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Nothing can be scored", reasons).for_mlflow())
    })
}
