//! A client for the commands that ask a running service: plain HTTP/1.1, every wait and every body bounded.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{HeaderMap, Request, Uri, client::conn::http1::SendRequest, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Bytes of an answer that are read at most.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Where a service listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    authority: String,
}

impl Target {
    /// Reads `http://HOST[:PORT]`.
    ///
    /// # Errors
    /// What is wrong with it, and how to write it.
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

/// A service that listens on all addresses is asked on the loopback one.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("nobody listens there (connection refused)")]
    Refused,
    /// No way there: no such host, no route, no free port.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// The connection ended, or carried what is no answer.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// Nothing came in time.
    #[error("nothing came within {} s", .0.as_secs_f64())]
    Timeout(Duration),
}

impl ClientError {
    /// The kind, in one word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Broken(_) => "broken",
            Self::Timeout(_) => "timeout",
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// A connection that is kept.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn open(target: &Target, timeout: Duration) -> Result<Self, ClientError> {
        let connecting = tokio::time::timeout(timeout, TcpStream::connect(&target.authority));
        let stream = connecting.await.map_err(|_| ClientError::Timeout(timeout))?;
        let stream = stream.map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => ClientError::Refused,
            _ => ClientError::Unreachable(error.to_string()),
        })?;
        stream.set_nodelay(true).map_err(|error| ClientError::Broken(error.to_string()))?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| ClientError::Broken(error.to_string()))?;
        // It ends with the sender, or with the other side.
        tokio::spawn(connection);
        Ok(Self { sender, host: target.authority.clone() })
    }

    /// Whether the other side has closed it.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// One question and its whole answer. After an error the connection is of no use.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn ask(
        &mut self,
        request: hyper::http::request::Builder,
        body: Bytes,
        timeout: Duration,
    ) -> Result<Answer, ClientError> {
        let broken = |error: &dyn fmt::Display| ClientError::Broken(error.to_string());
        let request: Request<Full<Bytes>> =
            request.header(header::HOST, &self.host).body(Full::new(body)).map_err(|error| broken(&error))?;
        let asking = async {
            self.sender.ready().await.map_err(|error| broken(&error))?;
            let answer = self.sender.send_request(request).await.map_err(|error| broken(&error))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| broken(&error))?.to_bytes();
            Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
        };
        tokio::time::timeout(timeout, asking).await.map_err(|_| ClientError::Timeout(timeout))?
    }
}

/// Asks one question at a time, each on a connection of its own, and waits for the answer.
#[derive(Debug)]
pub struct Asker {
    runtime: tokio::runtime::Runtime,
    target: Target,
    timeout: Duration,
}

impl Asker {
    /// For this service; no answer takes longer than `timeout`.
    ///
    /// # Errors
    /// When the system gives no event queue.
    pub fn new(target: Target, timeout: Duration) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, target, timeout })
    }

    /// Who is asked.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// `GET path`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.ask(Request::get(path), Bytes::new())
    }

    /// `POST path` of a JSON body.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn post(&self, path: &str, body: Bytes) -> Result<Answer, ClientError> {
        self.ask(Request::post(path).header(header::CONTENT_TYPE, "application/json"), body)
    }

    fn ask(&self, request: hyper::http::request::Builder, body: Bytes) -> Result<Answer, ClientError> {
        self.runtime.block_on(async {
            let mut connection = Connection::open(&self.target, self.timeout).await?;
            connection.ask(request.header(header::CONNECTION, "close"), body, self.timeout).await
        })
    }
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
        let asker = Asker::new(address.into(), Duration::from_secs(5)).unwrap();
        assert_eq!(asker.get("/livez").unwrap_err(), ClientError::Refused);
    }
}
