//! Everything a client can do has a bound, and reaching it is a named answer.

use std::{
    io::{ErrorKind, Read},
    net::{SocketAddr, TcpStream},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use engine::settings::Seconds;
use engine::{
    mailbox::{PushError, Queue},
    message::{Control, Message},
};

use crate::support::{
    client::{Connection, HANG},
    process::Process,
    service::{Service, Setup},
};

const ROW: &str = r#"{"alpha":1,"beta":2,"gamma":3}"#;

#[test]
fn a_thousand_rows_are_scored_and_more_are_refused() {
    let service = Service::plain();
    let rows = |count: usize| format!("{{\"rows\":[{}]}}", vec![ROW; count].join(","));
    let answer = service.post("/predict", &rows(1_000));
    assert_eq!((answer.status, answer.json()["scores"].as_array().unwrap().len()), (200, 1_000));
    for count in [1_001, 100_000] {
        let answer = service.post("/predict", &rows(count));
        assert_eq!(answer.status, 422);
        assert!(answer.text().contains(&format!("{count} rows; send at most 1000")), "{}", answer.text());
    }
}

#[test]
fn a_body_over_the_limit_is_413_announced_or_not() {
    let service = Service::with(|config| config.server.body_max_bytes = 10_000);
    let mut connection = service.connect();
    connection.send(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 10001\r\n\r\n");
    let answer = connection.read();
    assert_eq!((answer.status, answer.header("connection")), (413, Some("close")));
    assert!(answer.text().contains("10000 bytes"), "{}", answer.text());

    let mut connection = service.connect();
    connection.send(b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    for _ in 0..3 {
        connection.send_what_is_taken(chunk.as_bytes());
    }
    assert_eq!(connection.read().status, 413);
    assert_eq!(service.get("/livez").status, 200);
}

#[test]
fn all_bodies_together_are_bounded() {
    let service = Service::with(|config| {
        (config.server.body_max_bytes, config.server.bodies_max_bytes) = (60_000, 100_000);
    });
    let held = || service.app.metrics.bodies_bytes.load(Ordering::Relaxed);
    let until = |bytes: usize| {
        let begun = Instant::now();
        while held() != bytes {
            assert!(begun.elapsed() < HANG, "{} bytes are held, expected {bytes}", held());
            std::thread::yield_now();
        }
    };
    let mut slow = service.connect();
    slow.send(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n");
    slow.send(&[b' '; 50_000]);
    until(50_000);
    let large = vec![b' '; 60_000];
    let refused = service.connect().post("/predict", &large);
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(
        (refused.header("connection"), refused.json()["error"].as_str()),
        (Some("close"), Some("Too many bodies"))
    );
    let rows = format!("{{\"rows\":[{ROW}]}}");
    assert_eq!(service.post("/predict", &rows).status, 200, "a small one finds room");
    slow.send(&[b' '; 10_000]);
    assert_eq!(slow.read().status, 400, "blanks are no JSON");
    until(0);
    assert_eq!(service.connect().post("/predict", &large).status, 400);
}

#[test]
fn a_client_that_sends_its_whole_long_body_before_it_reads_gets_its_413() {
    let service = Service::plain();
    let body = vec![b' '; (4 << 20) + 1];
    for _ in 0..5 {
        assert_eq!(service.connect().post("/predict", &body).status, 413);
    }
}

#[test]
fn a_half_sent_body_is_408_and_a_half_sent_head_is_closed() {
    let service = Service::with(|config| {
        config.server.body_timeout_s = Seconds::new(0.2).unwrap();
        config.server.header_read_timeout_s = Seconds::new(0.2).unwrap();
    });
    let mut connection = service.connect();
    connection.send(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"rows\":[");
    let answer = connection.read();
    assert_eq!((answer.status, answer.json()["error"].as_str()), (408, Some("Request timeout")));
    assert!(connection.is_closed());

    let mut connection = service.connect();
    connection.send(b"GET /predict/BTC-USD HTTP/1.1\r\nhost:");
    assert!(connection.is_closed());
    assert_eq!(service.get("/livez").status, 200);
}

#[test]
fn a_client_that_goes_away_does_no_harm() {
    let service = Service::plain();
    let mut connection = service.connect();
    connection.send(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"rows\":[");
    drop(connection);
    service.shard.hold.set(true);
    let mut connection = service.connect();
    connection.send(b"GET /predict/BTC-USD HTTP/1.1\r\nhost: x\r\n\r\n");
    drop(connection);
    service.shard.hold.set(false);
    assert_eq!(service.get("/predict/BTC-USD").status, 200);
}

#[test]
fn a_slow_shard_is_504_at_the_deadline() {
    let service = Service::with(|config| config.server.deadline_ms = 50);
    service.shard.hold.set(true);
    let begun = Instant::now();
    let mut connection = service.connect();
    let answer = connection.get("/predict/BTC-USD");
    assert_eq!((answer.status, answer.json()["error"].as_str()), (504, Some("Deadline passed")));
    assert_eq!(connection.post("/predict", format!("{{\"rows\":[{ROW}]}}").as_bytes()).status, 504);
    assert_eq!(connection.get("/symbols").status, 504);
    assert!(begun.elapsed() >= Duration::from_millis(150), "the deadline was not waited for");
    service.shard.hold.set(false);
}

#[test]
fn a_slow_body_takes_nothing_from_the_engines_deadline() {
    let service = Service::with(|config| config.server.deadline_ms = 1_000);
    let body = format!("{{\"rows\":[{ROW}]}}");
    let mut connection = service.connect();
    let head = format!("POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    connection.send(head.as_bytes());
    // The client's slowness is what is told here: longer than the deadline, well within server.body_timeout_s.
    std::thread::sleep(Duration::from_millis(1_100));
    connection.send(body.as_bytes());
    let answer = connection.read();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_full_mailbox_is_503_with_retry_after_and_clears() {
    let service = Service::start(Setup { control_capacity: 3, ..Setup::default() });
    let mailbox = &service.shard.mailbox;
    service.shard.hold.set(true);
    let mut waiting = service.connect();
    waiting.send(b"GET /predict/BTC-USD HTTP/1.1\r\nhost: x\r\n\r\n");
    while mailbox.depth(Queue::Control) == 0 {
        std::thread::yield_now();
    }
    // The front puts the questions of a turn into one message; the other places are filled from here.
    let mut answers = Vec::new();
    loop {
        let (reply, answer) = tokio::sync::oneshot::channel();
        match mailbox.push(Queue::Control, Message::Control(Control::Symbols { reply })) {
            Ok(()) => answers.push(answer),
            Err(PushError::Full(_)) => break,
            Err(PushError::Closed(_)) => panic!("the shard ended"),
        }
    }
    assert_eq!(answers.len(), 2);
    let rows = format!("{{\"rows\":[{ROW}]}}");
    for answer in [service.get("/predict/BTC-USD"), service.post("/predict", &rows), service.get("/symbols")]
    {
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
        assert_eq!(answer.json()["error"], "Too busy");
    }
    assert_eq!(service.get("/livez").status, 200);
    service.shard.hold.set(false);
    assert_eq!(waiting.read().status, 200, "what had its place is answered");
    for answer in answers {
        answer.blocking_recv().unwrap();
    }
    assert_eq!(service.get("/predict/BTC-USD").status, 200);
}

#[test]
fn connections_beyond_the_limit_are_told_so_and_the_service_goes_on() {
    let service = Service::with(|config| config.server.connections_max = 50);
    let mut kept: Vec<Connection> = (0..50).map(|_| service.connect()).collect();
    for connection in &mut kept {
        assert_eq!(connection.get("/livez").status, 200);
    }
    for _ in 0..10 {
        let mut beyond = service.connect();
        beyond.send_what_is_taken(b"GET /predict/BTC-USD HTTP/1.1\r\nhost: x\r\n\r\n");
        let answer = beyond.read();
        assert_eq!((answer.status, answer.header("connection")), (503, Some("close")));
        assert_eq!(answer.json()["error"], "Too many connections");
    }
    for probe in ["/livez", "/readyz?verbose", "/health", "/metrics"] {
        let mut beyond = service.connect();
        let answer = beyond.get(probe);
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "{probe}");
        assert!(beyond.is_closed());
    }
    for connection in &mut kept {
        assert_eq!(connection.get("/predict/BTC-USD").status, 200);
    }
    assert!(kept[0].get("/metrics").text().contains("stormglass_http_connections_refused_total 14\n"));
    drop(kept.pop());
    let begun = Instant::now();
    while service.app.connections_open() == 50 {
        assert!(begun.elapsed() < HANG, "a closed connection keeps its place");
        std::thread::yield_now();
    }
    assert_eq!(service.get("/livez").status, 200);
}

/// A connection that was let in: its first request was answered.
fn admitted(address: SocketAddr) -> Connection {
    let begun = Instant::now();
    loop {
        let mut connection = Connection::open(address);
        // A probe would be answered beyond the limit too.
        connection.send_what_is_taken(b"GET /predict/BTC-USD HTTP/1.1\r\nhost: x\r\n\r\n");
        if connection.read().status == 200 {
            return connection;
        }
        assert!(begun.elapsed() < HANG, "no place became free");
    }
}

/// Whether a connection that sent nothing was told why it is not served. It must have ended in any case.
fn was_told(mut stream: TcpStream) -> bool {
    stream.set_read_timeout(Some(HANG)).unwrap();
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("a connection beyond the limit is left open: {error}"),
    }
    let said = String::from_utf8_lossy(&said);
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 503") && said.contains("Too many connections"),
        "{said}"
    );
    !said.is_empty()
}

#[test]
fn ten_thousand_idle_connections_beyond_the_limit_are_turned_away_and_the_service_answers_throughout() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const ADMITTED: usize = 100;
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    // The service is a process of its own, so only the clients' ends are here; other tests need some files too.
    let count = 10_000.min(most.saturating_sub(2_000)) as usize;
    assert!(count >= 5_000, "the limit of open files ({most}) is too low to tell anything: ulimit -n");

    let service = Process::serve(&[], |command| {
        command.env("STORMGLASS__SERVER__CONNECTIONS_MAX", ADMITTED.to_string());
        command.env("STORMGLASS__SERVER__HEADER_READ_TIMEOUT_S", "600");
    });
    service.get_until("/predict/BTC-USD", Duration::from_secs(30), |status, _| status == 200);
    let mut kept: Vec<Connection> = (0..ADMITTED).map(|_| admitted(service.address)).collect();
    let mut slowest = Duration::ZERO;
    let beyond: Vec<TcpStream> = (0..count)
        .map(|i| {
            if i % 100 == 0 {
                let asked = Instant::now();
                assert_eq!(kept[i / 100 % ADMITTED].get("/predict/BTC-USD").status, 200);
                slowest = slowest.max(asked.elapsed());
            }
            TcpStream::connect(service.address).unwrap_or_else(|e| panic!("connection {i} of {count}: {e}"))
        })
        .collect();
    let told = beyond.into_iter().map(was_told).filter(|told| *told).count();
    assert!(told > 0, "none was told why");
    for connection in &mut kept {
        assert_eq!(connection.get("/predict/BTC-USD").status, 200);
    }
    let metrics = kept[0].get("/metrics");
    let refused = "stormglass_http_connections_refused_total ";
    let refused = metrics.text().lines().find_map(|line| line.strip_prefix(refused)).unwrap();
    assert!(refused.parse::<usize>().unwrap() >= count, "{refused} of {count} were counted");
    drop(kept);
    assert_eq!(admitted(service.address).get("/predict/BTC-USD").status, 200);
    println!(
        "{count} idle connections beyond {ADMITTED}: {told} told why, the others closed; slowest answer {slowest:?}"
    );
}
