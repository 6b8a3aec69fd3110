//! TLS to a venue, and the proxy on the way: what is trusted, what is refused, and with which words.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer};

use super::{exchange::Peer, *};

/// A name that no resolver knows: only the proxy can lead there.
const NAME: &str = "venue.invalid";

/// An authority of the test's own, as a PEM file, and a server's settings with a certificate that it signed.
fn certified(directory: &std::path::Path) -> (String, Arc<ServerConfig>) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let path = directory.join("ca.pem");
    std::fs::write(&path, authority.self_signed(&authority_key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), NAME.to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let settings = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (path.to_str().unwrap().to_owned(), Arc::new(settings))
}

/// An exchange behind TLS that confirms and gives one trade of Binance.
fn exchange(settings: Arc<ServerConfig>) -> Exchange {
    let wrap = move |stream: TcpStream| {
        let connection = ServerConnection::new(settings.clone()).ok()?;
        Some(Box::new(StreamOwned::new(connection, stream)) as Box<dyn exchange::Stream>)
    };
    Exchange::start_with(wrap, |_, peer: &mut Peer| {
        peer.hear();
        peer.send(r#"{"result":null,"id":0}"#);
        peer.send(
            r#"{"e":"aggTrade","E":1775000000000,"s":"BTCUSDT","a":1,"p":"67000.5","q":"0.01","f":1,"l":1,"T":1775000000000,"m":true}"#,
        );
        peer.linger();
    })
}

#[test]
fn a_venue_is_trusted_by_its_authority_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (authority, server) = certified(directory.path());
    let exchange = exchange(server);
    let mut settings = settings("binance", &["BTCUSDT"], &exchange);
    settings.urls.insert("binance".to_owned(), format!("wss://{}", exchange.address));
    let stranger = Feed::start(&settings);
    stranger.until("the certificate is refused", |connection| connection.standing().reason.is_some());
    let reason = stranger.connection().standing().reason.unwrap();
    assert!(reason.contains("TLS to 127.0.0.1") && reason.contains("UnknownIssuer"), "{reason}");
    assert!(stranger.end().ticks.is_empty());

    settings.ca_file = Some(authority);
    let feed = Feed::start(&settings);
    feed.until_ticks(1);
    assert_eq!(feed.end().ids(), [1]);
}

/// A proxy that opens one tunnel to `to`, and the head of the request for it.
fn proxy(to: SocketAddr, asked: Arc<Mutex<String>>) -> Exchange {
    Exchange::accept(move |_, mut client, stop| {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && client.read_exact(&mut byte).is_ok() {
            head.push(byte[0]);
        }
        *asked.lock().unwrap() = String::from_utf8(head).unwrap();
        let mut venue = TcpStream::connect(to).unwrap();
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        for stream in [&client, &venue] {
            stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        }
        let (mut back_from, mut back_to) = (venue.try_clone().unwrap(), client.try_clone().unwrap());
        let stopped = stop.clone();
        let back = std::thread::spawn(move || pass(&mut back_from, &mut back_to, &stopped));
        pass(&mut client, &mut venue, &stop);
        back.join().unwrap();
    })
}

fn pass(from: &mut TcpStream, to: &mut TcpStream, stop: &std::sync::atomic::AtomicBool) {
    let mut bytes = [0; 4_096];
    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
        match from.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => {
                if to.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

#[test]
fn a_venue_is_reached_by_name_through_the_proxy_of_the_environment() {
    let directory = tempfile::tempdir().unwrap();
    let (authority, server) = certified(directory.path());
    let exchange = exchange(server);
    let asked = Arc::new(Mutex::new(String::new()));
    let proxy = proxy(exchange.address, asked.clone());
    let output = directory.path().join("ticks");
    let mut recorder = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .args(["record", "--source", "binance", "--products", "BTCUSDT", "--flush-s", "1", "--output"])
        .arg(&output)
        .env("STORMGLASS__LIVE__URLS", format!("binance=wss://{NAME}"))
        .env("STORMGLASS__LIVE__CA_FILE", authority)
        .env("HTTPS_PROXY", format!("http://ann:secret@{}", proxy.address))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env_remove("https_proxy")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let recorded = || {
        let files = std::fs::read_dir(&output).into_iter().flatten();
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect::<String>()
    };
    until("the trade is on the disk", || recorded().contains(r#""e":"aggTrade""#));
    let ended = Command::new("kill").args(["-TERM", &recorder.id().to_string()]).status().unwrap();
    assert!(ended.success() && recorder.wait().unwrap().success());
    let asked = asked.lock().unwrap().clone();
    assert!(
        asked.starts_with("CONNECT venue.invalid:443 HTTP/1.1\r\nHost: venue.invalid:443\r\n"),
        "{asked}"
    );
    // ann:secret
    assert!(asked.contains("Proxy-Authorization: Basic YW5uOnNlY3JldA==\r\n"), "{asked}");
}
