//! Error answers: RFC 9457 problem+json with the additional member `error`, which names the field and the fix.

use std::borrow::Cow;

use engine::{handle::AskError, symbol::ResolveError};
use hyper::{
    Response, StatusCode,
    header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::reply::{Body, reply};
use crate::models::comparison::Comparison;

/// The content type of errors.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Most faults listed in one answer; further ones are only counted.
pub const FAULTS_LISTED_MAX: usize = 100;

/// One wrong field of a request.
#[derive(Debug, JsonSchema, Serialize)]
pub struct FieldFault {
    /// Index of its row, from 0; absent if there is only one row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<usize>,
    /// Name of the field.
    pub field: String,
    /// The fault and the fix.
    pub message: Cow<'static, str>,
}

/// An error answer. Boxed, so that successful answers do not carry its size.
#[derive(Debug)]
pub struct Problem(Box<Details>);

#[derive(Debug)]
struct Details {
    status: StatusCode,
    error: Cow<'static, str>,
    detail: String,
    faults: Vec<FieldFault>,
    fault_count: usize,
    candidates: Vec<String>,
    allow: Option<String>,
    retry_after_s: Option<u32>,
    closes: bool,
    for_mlflow: bool,
    asks_for_token: bool,
    comparison: Option<Comparison>,
}

impl Problem {
    /// An error with a short title and, in `detail`, what to do.
    pub fn new(status: StatusCode, error: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self(Box::new(Details {
            status,
            error: error.into(),
            detail: detail.into(),
            faults: Vec::new(),
            fault_count: 0,
            candidates: Vec::new(),
            allow: None,
            retry_after_s: None,
            closes: false,
            for_mlflow: false,
            asks_for_token: false,
            comparison: None,
        }))
    }

    /// 422 for one fault.
    pub fn unprocessable(error: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, error, detail)
    }

    /// 422 for these fields, the first of `fault_count` faults.
    pub fn faults(
        error: &'static str,
        detail: impl Into<String>,
        faults: Vec<FieldFault>,
        fault_count: usize,
    ) -> Self {
        let mut problem = Self::unprocessable(error, detail);
        (problem.0.faults, problem.0.fault_count) = (faults, fault_count);
        problem
    }

    /// 405 with the allowed methods.
    pub fn wrong_method(allow: String) -> Self {
        let detail = format!("this route takes {allow}");
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail);
        problem.0.allow = Some(allow);
        problem
    }

    /// 503 because no model is loaded.
    pub fn no_model() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Model not loaded",
            "no model is loaded; GET /health says why, model.path (MODEL_PATH) names one",
        )
    }

    /// 503 with Retry-After.
    pub fn busy(error: &'static str, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, error, detail);
        problem.0.retry_after_s = Some(1);
        problem
    }

    /// 401: the token is missing or wrong.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", detail);
        problem.0.asks_for_token = true;
        problem
    }

    /// Adds the names that may have been meant.
    #[must_use]
    pub fn with_candidates(mut self, candidates: Vec<String>) -> Self {
        self.0.candidates = candidates;
        self
    }

    /// Adds the numbers behind a refused model change.
    #[must_use]
    pub fn with_comparison(mut self, comparison: Comparison) -> Self {
        self.0.comparison = Some(comparison);
        self
    }

    /// Closes the connection after this answer, because the rest of the request is not read.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.0.closes = true;
        self
    }

    /// Adds `error_code` and `message`, as MLflow's clients expect.
    #[must_use]
    pub fn for_mlflow(mut self) -> Self {
        self.0.for_mlflow = true;
        self
    }

    /// Converts to the Open Inference Protocol: everything under `error`, and 400 instead of 422.
    #[must_use]
    pub fn for_inference(mut self) -> Self {
        if self.0.status == StatusCode::UNPROCESSABLE_ENTITY {
            self.0.status = StatusCode::BAD_REQUEST;
        }
        self.0.error = format!("{}: {}", self.0.error, self.0.detail).into();
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The short title.
    pub fn error(&self) -> &str {
        &self.0.error
    }

    /// The text on what to do.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The response.
    pub fn into_response(self, request_id: &str) -> Response<Body> {
        let document = Document {
            r#type: "about:blank",
            title: &self.0.error,
            status: self.0.status.as_u16(),
            detail: &self.0.detail,
            error: &self.0.error,
            request_id,
            errors: &self.0.faults,
            errors_total: self.0.fault_count,
            candidates: &self.0.candidates,
            error_code: self.0.for_mlflow.then(|| mlflow_code(self.0.status)),
            message: self.0.for_mlflow.then_some(&*self.0.detail),
            comparison: self.0.comparison.as_ref(),
        };
        let bytes = serde_json::to_vec(&document).expect("strings and numbers are always JSON");
        let mut response = reply(self.0.status, PROBLEM_JSON, bytes);
        let headers = response.headers_mut();
        if let Some(allow) = self.0.allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
            headers.insert(ALLOW, allow);
        }
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.0.asks_for_token {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.0.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// The JSON of an error: RFC 9457's members, and `error`.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Problem")]
pub(super) struct Document<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    /// A text on what to do.
    detail: &'a str,
    /// A short description of the error.
    error: &'a str,
    request_id: &'a str,
    /// The wrong fields, at most the first hundred.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldFault],
    /// Number of all wrong fields.
    #[serde(skip_serializing_if = "is_zero")]
    errors_total: usize,
    /// The names that an ambiguous symbol may mean.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    candidates: &'a [String],
    /// MLflow's code of the error, for its clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// The comparison for which a model was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<&'a Comparison>,
}

/// MLflow's error code for a status.
fn mlflow_code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        422 => "INVALID_PARAMETER_VALUE",
        429 => "REQUEST_LIMIT_EXCEEDED",
        503 => "TEMPORARILY_UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        500.. => "INTERNAL_ERROR",
        _ => "BAD_REQUEST",
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Full => Self::busy("Too busy", "the shard's queue is full; retry after a second"),
            AskError::Deadline => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "Deadline passed",
                "the shard did not answer within server.deadline_ms",
            ),
            AskError::Closed => Self::busy("Stopping", "the shard is stopping; ask another instance"),
        }
    }
}

impl From<ResolveError> for Problem {
    fn from(error: ResolveError) -> Self {
        let detail = error.to_string();
        match error {
            ResolveError::Unknown(_) => Self::new(StatusCode::NOT_FOUND, "Unknown symbol", detail),
            ResolveError::Ambiguous { candidates, .. } => {
                let mut problem = Self::new(StatusCode::CONFLICT, "Ambiguous symbol", detail);
                problem.0.candidates = candidates;
                problem
            }
        }
    }
}
