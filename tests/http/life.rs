//! From start to drain: health, readiness, what is running.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    process::Command,
    sync::{Arc, Mutex, atomic::Ordering, mpsc::channel},
    time::{Duration, Instant},
};

use api::{
    config::{Config, sections::SourceKind},
    http::{App, ModelReport, Server, SourceState},
};
use engine::{
    Engine, EngineSettings,
    intake::TickSink,
    message::Answer,
    settings::Seconds,
    shard::{Out, Wanted},
    sim::{SimConfig, Simulator},
    symbol::Offset,
};
use serde_json::json;

use crate::support::{
    client::{Connection, HANG},
    fixtures::small_model,
    process::Process,
    service::{Service, Setup},
};

#[test]
fn a_warm_service_is_healthy_ready_and_alive() {
    let service = Service::plain();
    let answer = service.get("/health");
    let body = answer.json();
    assert_eq!((answer.status, &body["status"], &body["reasons"]), (200, &json!("healthy"), &json!([])));
    assert_eq!((&body["model_loaded"], &body["kafka_connected"]), (&json!(true), &json!(null)));
    assert!(body["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(service.get("/readyz").json(), json!({"ready": true}));
    assert_eq!(service.get("/readyz?verbose").json()["checks"].as_array().unwrap().len(), 4);
    assert_eq!(service.get("/livez").status, 200);
}

#[test]
fn health_is_503_only_when_nothing_can_be_scored() {
    let service = Service::start(Setup { model: None, ..Setup::default() });
    let answer = service.get("/health");
    assert_eq!((answer.status, answer.json()["status"].as_str()), (503, Some("unavailable")));
    assert!(answer.text().contains("Model not loaded"));
    assert_eq!(service.get("/readyz").json()["checks"][0]["name"], "model");

    let service = Service::plain();
    service.shards_alive.store(0, Ordering::Relaxed);
    assert_eq!(service.get("/health").json()["reasons"], json!(["0 of 1 shards run"]));
    assert_eq!((service.get("/health").status, service.get("/readyz").status), (503, 503));
    assert_eq!(service.get("/livez").status, 200, "a restart is not what a probe of life may cause here");
}

/// Breaks the shard at its first tick.
struct Breaks;

impl Out for Breaks {
    fn wanted(&self) -> Wanted {
        Wanted::EveryTick
    }

    fn prediction(&mut self, _answer: Arc<Answer>) {
        panic!("this story breaks its shard");
    }
}

#[test]
fn after_a_shard_panicked_the_service_is_not_alive() {
    let settings = EngineSettings::with_shards(1);
    let engine = Engine::start_with(&settings, Some(small_model()), Arc::default(), |_| Breaks).unwrap();
    let mut config = Config::default();
    config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let handle = engine.handle().clone();
    let alive = move || handle.shards_alive();
    let app = App::new(engine.handle().clone(), config, ModelReport::default(), None, Box::new(alive));
    let server = Server::start(app.clone(), &[None]).unwrap();
    let mut connection = Connection::open(server.address());
    assert_eq!(connection.get("/livez").json(), json!({"live": true}));

    let (_, tick) = Simulator::new(SimConfig::default()).next().unwrap();
    let mut intake = engine.intake();
    intake.tick("coinbase", "BTC-USD", Offset(0), 0, tick);
    intake.flush();
    let begun = Instant::now();
    while app.shards_panicked().is_empty() {
        assert!(begun.elapsed() < HANG, "the shard did not break");
        std::thread::yield_now();
    }
    let answer = connection.get("/livez");
    assert_eq!((answer.status, answer.json()), (503, json!({"live": false, "shards_panicked": [0]})));
    assert_eq!(connection.get("/health").json()["reasons"][0], "0 of 1 shards run");
    drop(connection);
    server.stop();
    engine.stop();
}

#[test]
fn a_kafka_that_is_configured_but_not_connected_is_said() {
    let service = Service::with(|config| {
        config.kafka.bootstrap_servers = "kafka:9092".to_owned();
        config.source.kind = SourceKind::Kafka;
    });
    let answer = service.get("/health");
    let body = answer.json();
    assert_eq!((answer.status, &body["status"]), (200, &json!("degraded")));
    assert_eq!(body["kafka_connected"], json!(false));
    assert!(body["reasons"][0].as_str().unwrap().contains("no broker of kafka:9092 answers"), "{body}");
}

#[test]
fn a_source_that_failed_is_a_reason_and_one_that_finished_is_not() {
    let service = Service::plain();
    assert_eq!(service.get("/health").json()["source"], "running");
    service.app.source.tell(SourceState::Finished);
    let body = service.get("/health").json();
    assert_eq!((&body["status"], &body["source"]), (&json!("healthy"), &json!("finished")));
    service.app.source.tell(SourceState::Failed("ticks.ndjson: permission denied".to_owned()));
    let body = service.get("/health").json();
    assert_eq!((&body["status"], &body["source"]), (&json!("degraded"), &json!("failed")));
    assert_eq!(body["reasons"], json!(["the source simulator failed: ticks.ndjson: permission denied"]));
}

#[test]
fn a_file_that_cannot_be_read_to_its_end_is_seen_in_health() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.ndjson.gz");
    // It begins well, so that it is not refused before the service starts.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    (0..10_000).for_each(|number| writeln!(packed, "{{\"number\":{number}}}").unwrap());
    let packed = packed.finish().unwrap();
    std::fs::write(&path, &packed[..packed.len() / 2]).unwrap();
    let service = Process::serve(&["--source", &format!("file:{}", path.display())], |_| ());
    let failed = |_: u16, body: &str| body.contains(r#""source":"failed""#);
    let (_, body) = service.get_until("/health", HANG, failed);
    assert!(body.contains("degraded") && body.contains("broken.ndjson.gz"), "{body}");
}

#[test]
fn a_service_without_a_first_probability_is_degraded_and_ready_only_after_its_wait() {
    let unready = Service::with(|config| config.ready.warm_wait_s = Seconds::new(3_600.0).unwrap());
    assert_eq!(unready.get("/predict/BTC-USD").status, 200);
    unready.app.engine.metrics.shards[0].predictions_calm.set(0);
    let answer = unready.get("/health");
    assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("degraded")));
    assert_eq!(unready.get("/readyz").status, 503);

    let waited = Service::with(|config| config.ready.warm_wait_s = Seconds::new(0.0).unwrap());
    assert_eq!(waited.get("/predict/BTC-USD").status, 200);
    waited.app.engine.metrics.shards[0].predictions_calm.set(0);
    assert_eq!(waited.get("/readyz").status, 200);
}

#[test]
fn a_drain_finishes_what_is_in_flight_and_takes_nothing_new() {
    let mut service = Service::plain();
    let mut in_flight = service.connect();
    let mut idle = service.connect();
    assert_eq!(in_flight.get("/livez").status, 200);
    assert_eq!(idle.get("/readyz").status, 200);
    service.shard.hold.set(true);
    in_flight.send(b"GET /predict/BTC-USD HTTP/1.1\r\nhost: x\r\n\r\n");
    let mailbox = service.shard.mailbox.clone();
    // The shard takes nothing while it is held, so the question lies there.
    while mailbox.depth(engine::mailbox::Queue::Control) == 0 {
        std::thread::yield_now();
    }
    service.app.start_draining();
    assert!(idle.is_closed(), "an idle connection ends at once");
    assert!(service.app.is_draining());
    service.shard.hold.set(false);
    let answer = in_flight.read();
    assert_eq!(answer.status, 200, "the request in flight is answered");
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(service.stop(), 0, "no connection was cut");
    assert!(std::net::TcpStream::connect(service.address).is_err(), "nothing listens any more");
}

/// The service in a process of its own, told to end while its grace is a minute.
fn leaving() -> (Process, Connection) {
    let service = Process::serve(&[], |command| {
        command.env("STORMGLASS__SERVER__SHUTDOWN_GRACE_S", "60");
        command.env("STORMGLASS__SERVER__DRAIN_TIMEOUT_S", "90");
    });
    service.get_until("/readyz", HANG, |status, _| status == 200);
    let kept = Connection::open(service.address);
    service.signal("TERM");
    (service, kept)
}

#[test]
fn at_sigterm_the_service_is_not_ready_and_answers_through_its_grace() {
    let (service, mut kept) = leaving();
    let (_, body) = service.get_until("/readyz", Duration::from_secs(60), |status, _| status == 503);
    assert!(body.contains("told to end: still answering for server.shutdown_grace_s"), "{body}");
    assert_eq!(service.get("/predict/BTC-USD").unwrap().0, 200, "new connections are served");
    assert_eq!(service.get("/livez").unwrap().0, 200);
    let (status, health) = service.get("/health").unwrap();
    assert!(status == 200 && health.contains(r#""status":"degraded""#), "{status} {health}");
    let answer = kept.get("/predict/BTC-USD");
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    service.signal("TERM");
    assert!(service.wait().success(), "a second signal ends the grace");
}

#[test]
fn the_grace_ends_by_itself_and_ctrl_c_has_none() {
    let grace = Duration::from_millis(700);
    let service = Process::serve(&[], |command| {
        command.env("STORMGLASS__SERVER__SHUTDOWN_GRACE_S", grace.as_secs_f64().to_string());
    });
    service.get_until("/readyz", HANG, |status, _| status == 200);
    let asked = Instant::now();
    assert!(service.terminate().success());
    assert!(asked.elapsed() >= grace, "it ended after {:?}", asked.elapsed());

    let service = Process::serve(&[], |command| {
        command.env("STORMGLASS__SERVER__SHUTDOWN_GRACE_S", "60");
        command.env("STORMGLASS__SERVER__DRAIN_TIMEOUT_S", "90");
    });
    service.get_until("/readyz", HANG, |status, _| status == 200);
    service.signal("INT");
    // Waits for half of the grace at most.
    assert!(service.wait().success());
}

#[test]
fn what_waits_to_be_accepted_when_the_drain_begins_is_answered() {
    let service = Service::plain();
    let mut config = Config::default();
    config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    // The one front thread stands still in its first look at the shards.
    let (enters, entered) = channel();
    let (lets_go, released) = channel::<()>();
    let released = Mutex::new(released);
    let look = move || {
        enters.send(()).ok();
        // An error: released before.
        released.lock().unwrap().recv().ok();
        1
    };
    let app = App::new(service.app.engine.clone(), config, ModelReport::default(), None, Box::new(look));
    let server = Server::start(app.clone(), &[None]).unwrap();
    let mut first = Connection::open(server.address());
    first.send(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n");
    entered.recv().unwrap();
    let mut waiting: Vec<Connection> = (0..50).map(|_| Connection::open(server.address())).collect();
    for connection in &mut waiting {
        connection.send(b"GET /predict/BTC-USD HTTP/1.1\r\nhost: x\r\n\r\n");
    }
    app.start_draining();
    drop(lets_go);
    assert_eq!(first.read().status, 503);
    for connection in &mut waiting {
        let answer = connection.read();
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    }
    assert_eq!(server.stop(), 0, "no connection was cut");
}

#[test]
fn a_second_service_on_the_same_port_is_refused_though_front_threads_share_it() {
    let first = Process::serve(&[], |command| {
        command.env("STORMGLASS__SERVER__FRONT_THREADS", "2");
    });
    first.get_until("/readyz", HANG, |status, _| status == 200);
    let log = first.log_lines();
    assert!(log.iter().any(|line| line.contains(r#""front_threads":2"#)), "this needs two CPUs: {log:#?}");
    let second = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .args(["serve", "--source", "none", "--listen", &first.address.to_string()])
        .env("STORMGLASS__SERVER__FRONT_THREADS", "2")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{said}");
    let expected = format!("{} is in use by another process", first.address);
    assert!(said.contains(&expected) && said.contains("server.listen"), "{said}");
    assert_eq!(first.get("/readyz").unwrap().0, 200);
}

#[test]
fn a_drain_does_not_wait_for_ever() {
    let mut service = Service::with(|config| config.server.drain_timeout_s = Seconds::new(0.1).unwrap());
    let mut stuck = service.connect();
    service.shard.hold.set(true);
    stuck.send(b"GET /predict/BTC-USD HTTP/1.1\r\nhost: x\r\n\r\n");
    while service.shard.mailbox.depth(engine::mailbox::Queue::Control) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(service.stop(), 1);
}

#[test]
fn version_says_what_is_in_memory() {
    let body = Service::plain().get("/version").json();
    assert_eq!((&body["model"], &body["model_version"]), (&json!("tiny"), &json!("7")));
    assert_eq!((&body["model_variant"], &body["runtime"]), (&json!("ml"), &json!("thread")));
    assert_eq!(body["model_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(body["feature_schema"].as_str().unwrap().len(), 16);
    for key in ["version", "sha", "variant_source", "model_path", "built"] {
        assert!(body.get(key).is_some(), "{key} is not in {body}");
    }
}

#[test]
fn the_page_calls_an_answer_stale_from_the_same_age_on_as_the_service() {
    let service = Service::with(|config| config.predict.stale_after_s = Seconds::new(12.5).unwrap());
    let page = service.get("/");
    assert!(page.text().contains(r#"<body data-stale-after-s="12.5">"#), "the page has no limit");
    assert!(page.text().contains("volatility above tau"), "a spike is strictly above tau");
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let answer = Service::plain().get("/");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let page = answer.text();
    assert!(page.contains("EventSource") && page.contains("/stream"), "the page does not listen");
    for outside in ["http://", "https://", "//cdn", "@import", "src="] {
        assert!(
            !page.replace("http://www.w3.org/2000/svg", "").contains(outside),
            "{outside} is in the page"
        );
    }
    assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"));
}
