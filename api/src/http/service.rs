//! Handles one request: finds the endpoint, runs it, counts it.

use std::{sync::Arc, time::Instant};

use hyper::{
    Method, Request, Response,
    body::Incoming,
    header::{CONNECTION, HeaderValue},
};

use super::{
    app::App,
    endpoint::{Call, ENDPOINTS, Endpoint, Observed},
    other_instances::FromOtherInstance,
    problem::Problem,
    reply::Body,
    request_id::{TRACEPARENT, X_REQUEST_ID, request_id, traceparent},
    route::{self, Decoded},
};

/// Answers one request.
pub(super) async fn answer(app: Arc<App>, request: Request<Incoming>) -> Response<Body> {
    let received_at = Instant::now();
    let (head, body) = request.into_parts();
    let id = request_id(&head.headers);
    let id_text = id.to_str().unwrap_or_default();
    let found = route::find(&head.method, head.uri.path());
    let observed = found.endpoint.map_or(Observed::Ordinary, |index| ENDPOINTS[index].observed);
    let answered = match (found.segments, found.endpoint) {
        (Ok(Decoded { symbol, version }), Some(index)) => {
            let call = Call { app: &app, head: &head, request_id: &id, symbol, version, body, received_at };
            let answered = (ENDPOINTS[index].handle)(call).await;
            debug_assert!(
                is_documented(&ENDPOINTS[index], &answered),
                "{}: its documentation lacks what it answers: {answered:?}",
                ENDPOINTS[index].route.label()
            );
            answered
        }
        (Ok(_), None) => unreachable!("segments are only found with their endpoint"),
        (Err(problem), _) => Err(problem),
    };
    let mut response = match answered {
        Ok(response) => response,
        Err(problem) => {
            if problem.status().is_server_error() {
                tracing::warn!(
                    request_id = id_text,
                    method = %head.method,
                    path = head.uri.path(),
                    status = problem.status().as_u16(),
                    error = problem.error(),
                    detail = problem.detail(),
                    "request failed"
                );
            }
            problem.into_response(id_text)
        }
    };
    let elapsed = received_at.elapsed();
    if observed != Observed::Probe {
        app.metrics.requests.count(found.endpoint, &head.method, response.status());
    }
    if observed == Observed::Prediction {
        app.metrics.latency.observe(elapsed);
    }
    tracing::debug!(
        request_id = id_text,
        traceparent = traceparent(&head.headers).and_then(|t| t.to_str().ok()),
        method = %head.method,
        path = head.uri.path(),
        status = response.status().as_u16(),
        elapsed_us = elapsed.as_micros() as u64,
        "request"
    );
    let headers = response.headers_mut();
    if let Some(context) = traceparent(&head.headers) {
        headers.insert(TRACEPARENT, context.clone());
    }
    headers.insert(X_REQUEST_ID, id);
    if app.is_leaving() {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether `/openapi.json` lists the status of an answer; always true for another instance's answer.
fn is_documented(endpoint: &Endpoint, answered: &Result<Response<Body>, Problem>) -> bool {
    match answered {
        Ok(response) => {
            endpoint.has_status(response.status().as_u16())
                || response.extensions().get::<FromOtherInstance>().is_some()
        }
        Err(problem) => endpoint.has_status(problem.status().as_u16()),
    }
}

/// Whether the response must have no body.
pub(super) fn is_head(method: &Method) -> bool {
    method == Method::HEAD
}
