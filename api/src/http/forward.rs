//! Forwards a question to the instance that owns the symbol, one hop.
//!
//! It asks only addresses that an owner has published. The request is built anew: of the client's headers only the
//! request id and the trace context are copied. A forwarded question is marked, and an instance that receives it
//! answers it itself or not at all.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use bytes::Bytes;
use engine::owners::Owner;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Uri,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};

use super::{
    app::App,
    problem::Problem,
    reply::JSON,
    request_id::{TRACEPARENT, X_REQUEST_ID, traceparent},
};
use crate::client::{Answer, Client, ClientError};

/// The header that marks a question that must not be forwarded again.
pub(super) const FORWARDED: HeaderName = HeaderName::from_static("x-stormglass-forwarded");
/// Most forwarded questions of this process at a time.
pub(super) const FORWARDS_MAX: usize = 256;
/// Idle connections to one instance that a front thread keeps.
const IDLE_CONNECTIONS_MAX: usize = 8;
/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 16 << 20;

thread_local! {
    /// One client for each front thread, because a connection belongs to the event loop that opened it.
    static CLIENT: Client = Client::new(IDLE_CONNECTIONS_MAX, ANSWER_BYTES_MAX);
}

/// The parts of a client's request that another instance gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker<'a> {
    pub(super) app: &'a Arc<App>,
    pub(super) headers: &'a HeaderMap,
    pub(super) request_id: &'a HeaderValue,
    /// Time before which the answer must come.
    pub(super) deadline: Instant,
}

impl Asker<'_> {
    /// Whether the request was forwarded by another instance.
    pub(super) fn is_forwarded(&self) -> bool {
        self.headers.contains_key(FORWARDED)
    }

    /// Builds the question to `owner`.
    pub(super) fn question(
        &self,
        owner: &Arc<Owner>,
        method: Method,
        path_and_query: &str,
        body: Bytes,
    ) -> Question {
        Question {
            app: self.app.clone(),
            owner: owner.clone(),
            method,
            url: url(owner, path_and_query),
            body,
            request_id: self.request_id.clone(),
            trace: traceparent(self.headers).cloned(),
            deadline: self.deadline,
        }
    }
}

/// The owner's URL for this path.
pub(super) fn url(owner: &Owner, path_and_query: &str) -> String {
    format!("{}{path_and_query}", owner.url.trim_end_matches('/'))
}

/// A request to the owner, ready to be sent.
pub(super) struct Question {
    app: Arc<App>,
    owner: Arc<Owner>,
    method: Method,
    url: String,
    body: Bytes,
    request_id: HeaderValue,
    trace: Option<HeaderValue>,
    deadline: Instant,
}

impl Question {
    /// Sends the question and waits for the answer.
    ///
    /// # Errors
    /// 503 with Retry-After if too many questions are being forwarded, or the owner did not answer before the deadline.
    pub(super) async fn ask(self) -> Result<Answer, Problem> {
        let app = self.app.clone();
        let counts = &app.metrics.forwards;
        let Ok(_permit) = app.forwarding.try_acquire() else {
            counts.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Problem::busy(
                "Too busy",
                format!("{FORWARDS_MAX} questions to other instances are under way; retry after a second"),
            ));
        };
        let owner = self.owner.clone();
        let answered = self.exchange().await;
        let counter = if answered.is_ok() { &counts.answered } else { &counts.unanswered };
        counter.fetch_add(1, Ordering::Relaxed);
        answered.map_err(|why| {
            let Owner { instance, url, .. } = &*owner;
            let detail = format!(
                "instance {instance} at {url} owns it and does not answer: {why}; retry after a second"
            );
            Problem::busy("Owner does not answer", detail)
        })
    }

    async fn exchange(self) -> Result<Answer, String> {
        let url: Uri = self.url.parse().map_err(|error| format!("its url cannot be used: {error}"))?;
        let mut request = Request::new(Full::new(self.body));
        (*request.method_mut(), *request.uri_mut()) = (self.method, url);
        let headers = request.headers_mut();
        headers.insert(FORWARDED, HeaderValue::from_static("1"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert(X_REQUEST_ID, self.request_id);
        if let Some(trace) = self.trace {
            headers.insert(TRACEPARENT, trace);
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        let client = CLIENT.with(Client::clone);
        client.ask(request, left).await.map_err(|error| match error {
            ClientError::Timeout(_) => "no answer within server.deadline_ms".to_owned(),
            other => other.to_string(),
        })
    }
}
