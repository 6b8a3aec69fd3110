//! Clients that shut down their sending side are answered, and clients that have gone cost nothing.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Instant,
};

use crate::support::{client::HANG, service::Service};

const TIMES: usize = 50;
const TOKEN: &str = "a-token-of-a-test";

fn open(service: &Service) -> TcpStream {
    let stream = TcpStream::connect(service.address).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    stream
}

/// The answer to these bytes, after which the client closes its side.
fn ask(service: &Service, bytes: &str) -> String {
    let mut stream = open(service);
    stream.write_all(bytes.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_request_whose_client_sends_nothing_more_is_answered_every_time() {
    let service = Service::with(|config| config.server.admin_token = TOKEN.into());
    let body = r#"{"symbols":["BTC-USD"]}"#;
    let post = format!("POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let activate = format!(
        "POST /models/no-such/activate HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: 0\r\n\r\n"
    );
    for (request, status, word) in [
        ("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n", 200, "live"),
        ("GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 200, "live"),
        ("GET /predict/BTC-USD HTTP/1.1\r\nhost: x\r\n\r\n", 200, "probability"),
        ("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n", 200, "process_start_time_seconds"),
        (&post, 200, "predictions"),
        (&activate, 404, "no-such"),
    ] {
        for _ in 0..TIMES {
            let answer = ask(&service, request);
            let expected = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&expected) && answer.contains(word), "{request}: {answer:?}");
        }
    }
    assert_all_freed(&service);
}

#[test]
fn a_probe_beyond_the_limit_of_connections_is_answered_too() {
    let service = Service::with(|config| config.server.connections_max = 1);
    let mut kept = service.connect();
    assert_eq!(kept.get("/livez").status, 200);
    let answer = ask(&service, "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
}

#[test]
fn a_client_that_has_gone_frees_its_connection() {
    let service = Service::plain();
    let watch = "GET /stream HTTP/1.1\r\nhost: x\r\n\r\n";
    for begun in [
        "",
        "GET /predict/BTC-USD HT",
        "GET /predict/BTC-USD HTTP/1.1\r\nhost: x\r\n\r\n",
        "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"rows\":[",
        watch,
    ] {
        let mut stream = open(&service);
        stream.write_all(begun.as_bytes()).unwrap();
        if begun == watch {
            // The stream has begun.
            stream.read_exact(&mut [0; 16]).unwrap();
        }
    }
    assert_all_freed(&service);
}

fn assert_all_freed(service: &Service) {
    let begun = Instant::now();
    let held = || (service.app.connections_open(), service.app.live.watchers());
    while held() != (0, 0) {
        assert!(begun.elapsed() < HANG, "connections and watchers are still held: {:?}", held());
        // A watcher that has gone is noticed when it is written to.
        service.app.engine.board.post(service.answer("BTC-USD", 0.9));
        std::thread::yield_now();
    }
}
