//! Opens a stream of bytes to a venue: TCP, through the environment's proxy if there is one, with TLS if the address asks
//! for it. WebSockets and REST both use it.

use std::{io, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::Uri;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// The longest answer of a proxy.
const PROXY_ANSWER_BYTES_MAX: usize = 8 * 1_024;

/// A stream of bytes in both directions.
pub(super) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// Opens streams; it holds the trusted authorities and the proxies.
pub(super) struct Dialer {
    tls: Arc<ClientConfig>,
    proxies: Proxies,
    timeout: Duration,
}

impl Dialer {
    /// A dialer that trusts the built-in authorities and those of a PEM file.
    pub(super) fn new(ca_file: Option<&str>, timeout: Duration) -> Result<Self, String> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = ca_file {
            let unusable = |cause: String| format!("live.ca_file {path}: {cause}");
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
            let before = roots.len();
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
                roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
            }
            if roots.len() == before {
                return Err(unusable("it holds no certificate".to_owned()));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has the ciphers of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let proxies = Proxies::from_variables(|name| std::env::var(name).ok());
        Ok(Self { tls: Arc::new(tls), proxies, timeout })
    }

    /// Opens a stream to an address of `ws`, `wss`, `http` or `https`, in the time allowed. The error names the step that
    /// failed.
    pub(super) async fn open(&self, address: &Uri) -> Result<Box<dyn Bytes>, String> {
        match tokio::time::timeout(self.timeout, self.open_untimed(address)).await {
            Ok(opened) => opened,
            Err(_) => Err(format!("no connection to {address} within {:?}", self.timeout)),
        }
    }

    async fn open_untimed(&self, address: &Uri) -> Result<Box<dyn Bytes>, String> {
        let host = address.host().ok_or_else(|| format!("{address} names no host"))?;
        let is_secure = match address.scheme_str() {
            Some("wss" | "https") => true,
            Some("ws" | "http") => false,
            _ => return Err(format!("{address} does not begin with wss:, ws:, https: or http:")),
        };
        let port = address.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let stream = match self.proxies.of(host, is_secure) {
            Some(proxy) => through_proxy(proxy, host, port).await?,
            None => {
                connect(host, port).await.map_err(|error| format!("cannot reach {host}:{port}: {error}"))?
            }
        };
        if !is_secure {
            return Ok(Box::new(stream));
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(|_| format!("{host} is no name of a host"))?;
        let stream = TlsConnector::from(self.tls.clone()).connect(name, stream).await;
        Ok(Box::new(stream.map_err(|error| format!("TLS to {host}:{port} failed: {error}"))?))
    }
}

async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Asks a proxy for a tunnel.
async fn through_proxy(proxy: &str, host: &str, port: u16) -> Result<TcpStream, String> {
    let refused = |why: String| format!("the proxy of the environment: {why}");
    let address: Uri = proxy.parse().map_err(|_| refused("its address cannot be read".to_owned()))?;
    if address.scheme_str().is_some_and(|scheme| scheme != "http") {
        return Err(refused("only http:// proxies, which answer CONNECT, can be used".to_owned()));
    }
    let authority = address.authority().ok_or_else(|| refused("its address names no host".to_owned()))?;
    let proxy_port = authority.port_u16().unwrap_or(80);
    let stream = connect(authority.host(), proxy_port).await;
    let mut stream =
        stream.map_err(|error| refused(format!("cannot reach {}: {error}", authority.host())))?;
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some((user, _)) = authority.as_str().rsplit_once('@') {
        request.push_str(&format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(user)));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| refused(error.to_string()))?;
    let mut answer = Vec::new();
    // Byte by byte: what follows the head belongs to the tunnel.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= PROXY_ANSWER_BYTES_MAX {
            return Err(refused("its answer is no head of HTTP".to_owned()));
        }
        answer.push(stream.read_u8().await.map_err(|error| refused(error.to_string()))?);
    }
    let head = String::from_utf8_lossy(&answer);
    let status = head.lines().next().unwrap_or_default();
    match status.split(' ').nth(1) {
        Some("200") => Ok(stream),
        _ => Err(refused(format!("it answers {status:?}"))),
    }
}

/// The proxies of the environment.
#[derive(Debug, Default)]
struct Proxies {
    secure: Option<String>,
    plain: Option<String>,
    /// Hosts, and ends of their names, that are reached without one.
    without: Vec<String>,
}

impl Proxies {
    /// Those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in small letters or capitals.
    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| {
            variable(&name.to_lowercase()).or_else(|| variable(name)).filter(|value| !value.is_empty())
        };
        let all = value("ALL_PROXY");
        let without = value("NO_PROXY").unwrap_or_default();
        Self {
            secure: value("HTTPS_PROXY").or_else(|| all.clone()),
            plain: value("HTTP_PROXY").or(all),
            without: without.split(',').map(|host| host.trim().trim_start_matches('.').to_owned()).collect(),
        }
    }

    /// The proxy on the way to a host.
    fn of(&self, host: &str, is_secure: bool) -> Option<&str> {
        let is_without = self.without.iter().filter(|end| !end.is_empty()).any(|end| {
            let before = host.strip_suffix(end.as_str());
            end == "*" || before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
        });
        let proxy = if is_secure { &self.secure } else { &self.plain };
        proxy.as_deref().filter(|_| !is_without)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_taken_from_the_environment_by_scheme_and_host() {
        let variables = [
            ("https_proxy", "http://secure:3128"),
            ("ALL_PROXY", "http://all:3128"),
            ("NO_PROXY", "localhost, .internal"),
        ];
        let of = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let proxies = Proxies::from_variables(of);
        assert_eq!(proxies.of("ws.kraken.com", true), Some("http://secure:3128"));
        assert_eq!(proxies.of("ws.kraken.com", false), Some("http://all:3128"));
        assert_eq!(proxies.of("localhost", true), None);
        assert_eq!(proxies.of("a.internal", true), None);
        assert_eq!(proxies.of("notinternal", true), Some("http://secure:3128"));
        assert_eq!(Proxies::from_variables(|_| None).of("ws.kraken.com", true), None);
    }
}
