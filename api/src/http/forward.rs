//! One hop to the instance that owns what was asked for.
//!
//! It goes to no other address than one that an owner published. The question is made anew: of the client's headers
//! only the request's id and trace context go along. A question that was forwarded once is marked, and is answered by
//! who gets it or not at all.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use engine::owners::Owner;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    HeaderMap, Method, Request, StatusCode, Uri,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::{
    app::App,
    problem::Problem,
    reply::JSON,
    request_id::{TRACEPARENT, X_REQUEST_ID, traceparent},
};

/// Marks a question that must not be forwarded again.
pub(super) const FORWARDED: HeaderName = HeaderName::from_static("x-stormglass-forwarded");
/// Questions of this process that other instances are asked at the same time.
pub(super) const FORWARDS_MAX: usize = 256;
/// Idle connections to one instance that a front thread keeps.
const IDLE_CONNECTIONS_MAX: usize = 8;
/// Below `server.header_read_timeout_s` of the other side, which closes what is idle for longer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// An answer is not read beyond this.
const ANSWER_BYTES_MAX: usize = 16 << 20;

type HttpClient = Client<HttpConnector, Full<Bytes>>;

thread_local! {
    /// A front thread's own: a connection lives on the event loop that opened it.
    static CLIENT: HttpClient = client();
}

fn client() -> HttpClient {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .build(connector)
}

/// Whoever asked, as another instance is to see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker<'a> {
    pub(super) app: &'a Arc<App>,
    pub(super) headers: &'a HeaderMap,
    pub(super) request_id: &'a HeaderValue,
    /// Past this there is no answer.
    pub(super) deadline: Instant,
}

impl Asker<'_> {
    /// Whether another instance asks, for a client of its own.
    pub(super) fn is_forwarded(&self) -> bool {
        self.headers.contains_key(FORWARDED)
    }

    /// The question, ready to be sent to `owner`.
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

/// Where `owner` answers this path.
pub(super) fn url(owner: &Owner, path_and_query: &str) -> String {
    format!("{}{path_and_query}", owner.url.trim_end_matches('/'))
}

/// A question on its way to the owner.
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

/// What an owner said.
#[derive(Debug)]
pub(super) struct Forwarded {
    pub(super) status: StatusCode,
    pub(super) content_type: Option<HeaderValue>,
    pub(super) retry_after: Option<HeaderValue>,
    pub(super) body: Bytes,
}

impl Question {
    /// Asks.
    ///
    /// # Errors
    /// 503 with Retry-After: too much is being forwarded, or the owner did not answer before the deadline.
    pub(super) async fn ask(self) -> Result<Forwarded, Problem> {
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
        let answered = match tokio::time::timeout_at(self.deadline.into(), self.exchange()).await {
            Ok(answered) => answered,
            Err(_) => Err("no answer within server.deadline_ms".to_owned()),
        };
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

    async fn exchange(self) -> Result<Forwarded, String> {
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
        let sent = CLIENT.with(|client| client.request(request)).await;
        let (head, body) = sent.map_err(|error| chain(&error))?.into_parts();
        let read = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = read.map_err(|error| format!("its answer broke off: {error}"))?.to_bytes();
        let header = |name| head.headers.get(name).cloned();
        let (content_type, retry_after) = (header(CONTENT_TYPE), header(RETRY_AFTER));
        Ok(Forwarded { status: head.status, content_type, retry_after, body })
    }
}

/// The error with its causes: the first alone says little.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
