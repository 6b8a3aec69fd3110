//! GETs a venue's REST over one kept connection, no faster than the venue allows.

use std::{cell::Cell, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{
    Request, StatusCode, Uri,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::dial::Dialer;

/// The longest body of an answer.
const BODY_BYTES_MAX: usize = 16 << 20;
/// Tries of one request.
const TRIES: u32 = 4;
/// The longest wait that a venue may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Keeps the requests to one venue apart, over all of its connections.
#[derive(Debug)]
pub(super) struct Turns {
    next: Cell<Instant>,
    spacing: Duration,
}

impl Turns {
    pub(super) fn new(spacing: Duration) -> Self {
        Self { next: Cell::new(Instant::now()), spacing }
    }

    async fn wait(&self) {
        let turn = self.next.get().max(Instant::now());
        self.next.set(turn + self.spacing);
        sleep_until(turn).await;
    }
}

/// A connection to a venue's REST, opened when it is first needed and again when it has ended.
pub(super) struct Rest<'a> {
    dialer: &'a Dialer,
    turns: &'a Turns,
    base: String,
    timeout: Duration,
    sender: Option<SendRequest<Empty<Bytes>>>,
}

/// The reason for which a try failed, and when another is worth while.
struct Failure {
    words: String,
    retry_after: Option<Duration>,
}

impl<'a> Rest<'a> {
    /// A client of the REST at `base`, which is an address without a path.
    pub(super) fn new(dialer: &'a Dialer, turns: &'a Turns, base: &str, timeout: Duration) -> Self {
        Self { dialer, turns, base: base.trim_end_matches('/').to_owned(), timeout, sender: None }
    }

    /// The JSON that a path answers. A refusal for too many requests, an error of the server and a lost connection are
    /// tried again, a few times; other errors are not. The error has the venue's own words.
    pub(super) async fn get(&mut self, path: &str) -> Result<Value, String> {
        let mut tried = 0;
        loop {
            self.turns.wait().await;
            let failure = match timeout(self.timeout, self.try_get(path)).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(failure)) => failure,
                Err(_) => {
                    let words = format!("no answer within {:?}", self.timeout);
                    Failure { words, retry_after: Some(Duration::ZERO) }
                }
            };
            // Whatever became of the connection, the next try has a new one.
            self.sender = None;
            tried += 1;
            match failure.retry_after {
                Some(wait) if tried < TRIES => sleep(wait.max(Duration::from_millis(250) * tried)).await,
                _ => return Err(format!("{}{path}: {}", self.base, failure.words)),
            }
        }
    }

    async fn try_get(&mut self, path: &str) -> Result<Value, Failure> {
        let lost = |error: String| Failure { words: error, retry_after: Some(Duration::ZERO) };
        let address: Uri = format!("{}{path}", self.base)
            .parse()
            .map_err(|_| Failure { words: "is no address".to_owned(), retry_after: None })?;
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            let stream = self.dialer.open(&address).await.map_err(lost)?;
            let (sender, connection) =
                http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost(error.to_string()))?;
            // Ends when its sender is dropped.
            tokio::spawn(connection);
            self.sender = Some(sender);
        }
        let sender = self.sender.as_mut().expect("it was just opened");
        let host = address.authority().map_or_else(String::new, ToString::to_string);
        let target = address.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let request = Request::get(target)
            .header(header::HOST, host)
            .header(header::USER_AGENT, "stormglass")
            .header(header::ACCEPT, "application/json")
            .body(Empty::new())
            .map_err(|error| Failure { words: error.to_string(), retry_after: None })?;
        let response = sender.send_request(request).await.map_err(|error| lost(error.to_string()))?;
        let status = response.status();
        let named =
            response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let retry_after = Duration::from_secs(named.unwrap_or(1)).min(RETRY_AFTER_MAX);
        let body = Limited::new(response.into_body(), BODY_BYTES_MAX).collect().await;
        let body = body.map_err(|error| lost(error.to_string()))?.to_bytes();
        if !status.is_success() {
            let words: String = String::from_utf8_lossy(&body).chars().take(200).collect();
            let may_retry = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
            let words = format!("{status} {words}");
            return Err(Failure { words, retry_after: may_retry.then_some(retry_after) });
        }
        serde_json::from_slice(&body)
            .map_err(|error| Failure { words: format!("its answer is no JSON: {error}"), retry_after: None })
    }
}
