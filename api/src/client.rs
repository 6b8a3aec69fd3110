//! The HTTP client, used by commands that ask a running service and by an instance that asks another one.
//!
//! Plain HTTP/1.1 with kept connections; every wait and every body is bounded.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{HeaderMap, Method, Request, StatusCode, Uri, header};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

/// Most bytes of an answer that a command reads.
pub(crate) const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Less than the default of `server.header_read_timeout_s`, after which the server closes idle connections.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// The address of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    authority: String,
}

impl Target {
    /// Reads `http://HOST[:PORT]`.
    ///
    /// # Errors
    /// A sentence that quotes the URL, names the part that is refused and says what to write.
    pub fn parse(url: &str) -> Result<Self, String> {
        let refused = |what: &str| Err(format!("{url:?} {what}"));
        let Ok(uri) = url.parse::<Uri>() else { return refused("is no URL; write http://HOST:PORT") };
        if uri.scheme_str() != Some("http") {
            return refused("is not http://; TLS ends at the proxy before the service");
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return refused("has a path; write http://HOST:PORT");
        }
        let Some(host) = uri.host() else { return refused("names no host; write http://HOST:PORT") };
        Ok(Self { authority: format!("{host}:{}", uri.port_u16().unwrap_or(80)) })
    }
}

impl Target {
    /// Starts building a request for this path, which begins with `/`.
    pub(crate) fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        Request::builder().method(method).uri(format!("{self}{path}"))
    }

    /// `HOST:PORT`, an IPv6 address in brackets.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self { authority: address.to_string() }
    }
}

/// The address at which to ask a service that listens at `address`: loopback if it listens on all addresses.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// The reason why a request got no HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// No process listens at the address.
    #[error("nobody listens there (connection refused)")]
    Refused,
    /// The address cannot be reached: no such host, no route, no free port.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// The connection ended, or the answer was not valid HTTP.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// No answer came in time.
    #[error("nothing came within {} s", .0.as_secs_f64())]
    Timeout(Duration),
}

impl ClientError {
    fn of(error: &legacy::Error) -> Self {
        let cause = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
        match cause {
            Some(cause) if error.is_connect() && cause.kind() == io::ErrorKind::ConnectionRefused => {
                Self::Refused
            }
            Some(cause) if error.is_connect() => Self::Unreachable(cause.to_string()),
            _ if error.is_connect() => Self::Unreachable(chain(error)),
            _ => Self::Broken(chain(error)),
        }
    }

    /// The kind of the error in one word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Broken(_) => "broken",
            Self::Timeout(_) => "timeout",
        }
    }
}

/// An answer that was read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// A client that keeps connections and reuses them. It belongs to the event loop on which it is used.
#[derive(Clone, Debug)]
pub struct Client {
    pool: legacy::Client<HttpConnector, Full<Bytes>>,
    answer_bytes_max: usize,
}

impl Client {
    /// A client that keeps up to `idle_connections_max` connections to a host while they are idle, and refuses an answer
    /// whose body is longer than `answer_bytes_max`.
    pub fn new(idle_connections_max: usize, answer_bytes_max: usize) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let pool = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(idle_connections_max)
            .build(connector);
        Self { pool, answer_bytes_max }
    }

    /// Sends a request, whose URI names the host, and reads the whole answer. All of it takes at most `timeout`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn ask(&self, request: Request<Full<Bytes>>, timeout: Duration) -> Result<Answer, ClientError> {
        let asking = async {
            let answer = self.pool.request(request).await.map_err(|error| ClientError::of(&error))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, self.answer_bytes_max).collect().await;
            let body = body.map_err(|error| ClientError::Broken(chain(&*error)))?.to_bytes();
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        tokio::time::timeout(timeout, asking).await.map_err(|_| ClientError::Timeout(timeout))?
    }
}

/// A client of one service, for a thread that waits for each answer.
#[derive(Debug)]
pub struct BlockingClient {
    runtime: tokio::runtime::Runtime,
    client: Client,
    target: Target,
    timeout: Duration,
}

impl BlockingClient {
    /// A client of this service; no answer takes longer than `timeout`.
    ///
    /// # Errors
    /// If the system gives no event queue.
    pub fn new(target: Target, timeout: Duration) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, client: Client::new(1, ANSWER_BYTES_MAX), target, timeout })
    }

    /// The service that this client asks.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// `GET path`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.ask(self.target.request(Method::GET, path), Bytes::new())
    }

    /// `POST path` of a JSON body.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn post(&self, path: &str, body: Bytes) -> Result<Answer, ClientError> {
        let request = self.target.request(Method::POST, path);
        self.ask(request.header(header::CONTENT_TYPE, "application/json"), body)
    }

    fn ask(&self, request: hyper::http::request::Builder, body: Bytes) -> Result<Answer, ClientError> {
        let request =
            request.body(Full::new(body)).map_err(|error| ClientError::Broken(error.to_string()))?;
        self.runtime.block_on(self.client.ask(request, self.timeout))
    }
}

/// The error with its causes, because the first alone says little.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in causes(error) {
        text = format!("{text}: {cause}");
    }
    text
}

fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_bare_http_url() {
        let shown = |url: &str| Target::parse(url).map(|target| target.to_string());
        assert_eq!(shown("http://localhost:8000"), Ok("http://localhost:8000".to_owned()));
        assert_eq!(shown("http://[::1]/"), Ok("http://[::1]:80".to_owned()));
        for (url, words) in [
            ("https://host", "not http://"),
            ("host:8000", "not http://"),
            ("http://host/predict", "has a path"),
            ("ht tp", "is no URL"),
        ] {
            let refused = Target::parse(url).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
    }

    #[test]
    fn nobody_there_is_a_kind_of_its_own() {
        // A port that was free a moment ago.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = BlockingClient::new(address.into(), Duration::from_secs(5)).unwrap();
        assert_eq!(client.get("/livez").unwrap_err(), ClientError::Refused);
    }
}
