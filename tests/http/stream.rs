//! The live stream.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use engine::settings::Seconds;
use serde_json::{Value, json};

use crate::support::{
    client::{Connection, HANG},
    service::Service,
};

fn watch(service: &Service, path: &str) -> Connection {
    let mut connection = service.connect();
    connection.send(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes());
    let head = connection.read_head();
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    connection
}

/// The next `data:` line, past chunk sizes, comments and empty lines.
fn next_data(connection: &mut Connection) -> Value {
    loop {
        let line = connection.line();
        assert!(!line.is_empty(), "the stream ended");
        if let Some(data) = line.strip_prefix("data: ") {
            return serde_json::from_str(data).unwrap();
        }
    }
}

#[test]
fn a_watcher_gets_what_is_and_then_what_comes_of_its_symbols_only() {
    let service = Service::plain();
    let mut watcher = watch(&service, "/stream?symbols=BTC-USD,kraken%3AETH-USD");
    let mut first =
        [next_data(&mut watcher), next_data(&mut watcher)].map(|p| p["symbol"].as_str().unwrap().to_owned());
    first.sort();
    assert_eq!(first, ["coinbase:BTC-USD", "kraken:ETH-USD"]);
    assert!(service.app.engine.board.is_watched());
    service.app.engine.board.post(service.answer("coinbase:ETH-USD", 0.4));
    service.app.engine.board.post(service.answer("BTC-USD", 0.9));
    let event = next_data(&mut watcher);
    assert_eq!((&event["symbol"], &event["probability"]), (&json!("coinbase:BTC-USD"), &json!(0.9)));
    assert!(event["age_ms"].is_i64(), "{event}");
}

#[test]
fn a_slow_watcher_loses_the_oldest_and_is_told() {
    let service = Service::plain();
    let mut slow = watch(&service, "/stream?symbols=BTC-USD");
    assert_eq!(next_data(&mut slow)["symbol"], "coinbase:BTC-USD");
    let mut quick = watch(&service, "/stream?symbols=BTC-USD");
    assert_eq!(next_data(&mut quick)["symbol"], "coinbase:BTC-USD");
    // More than a socket, the chunks in between and the watcher's own bound hold together; the quick one reads all
    // along and shows how far the fan-out is.
    const EVENTS: usize = 40_000;
    let mut posted = 0;
    while posted < EVENTS {
        let batch = 1_000;
        for _ in 0..batch {
            service.app.engine.board.post(service.answer("BTC-USD", 0.9));
        }
        posted += batch;
        let mut seen = 0;
        while seen < batch {
            assert_eq!(next_data(&mut quick).get("missed"), None, "the quick one lost something");
            seen += 1;
        }
    }
    let begun = Instant::now();
    let missed = loop {
        let data = next_data(&mut slow);
        if let Some(missed) = data.get("missed") {
            break missed.as_u64().unwrap();
        }
        assert!(begun.elapsed() < HANG, "nothing was said to be missed");
    };
    assert!(missed > 0);
    assert_eq!(service.get("/livez").status, 200);
}

#[test]
fn a_client_that_stops_reading_is_cut_off_and_counted() {
    let service = Service::with(|config| config.server.write_timeout_s = Seconds::new(1.0).unwrap());
    let mut watcher = watch(&service, "/stream?symbols=BTC-USD");
    next_data(&mut watcher);
    let mut asker = service.connect();
    // More answers than the sockets hold, of which none is read.
    asker.send_what_is_taken(&b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2_000));
    let stalled = || service.app.metrics.connections_stalled.load(Ordering::Relaxed);
    let begun = Instant::now();
    while stalled() < 2 || service.app.connections_open() > 0 {
        assert!(begun.elapsed() < HANG, "{} of 2 were cut off", stalled());
        for _ in 0..500 {
            service.app.engine.board.post(service.answer("BTC-USD", 0.9));
        }
        // Paces the events; what is waited for is the end of both connections.
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!((stalled(), service.app.live.watchers()), (2, 0));
    assert_eq!(service.get("/livez").status, 200);
}

#[test]
fn a_watcher_is_shown_every_symbol_however_few_go_into_one_question() {
    let service = Service::with(|config| config.predict.rows_max = 1);
    let mut watcher = watch(&service, "/stream");
    let mut seen: Vec<String> =
        (0..4).map(|_| next_data(&mut watcher)["symbol"].as_str().unwrap().to_owned()).collect();
    seen.sort();
    assert_eq!(seen, ["coinbase:BTC-USD", "coinbase:ETH-USD", "kraken:ETH-USD", "simulator:SOL-USD"]);
}

#[test]
fn the_board_is_left_alone_when_nobody_watches() {
    let service = Service::plain();
    let mut watcher = watch(&service, "/stream");
    for _ in 0..4 {
        next_data(&mut watcher);
    }
    drop(watcher);
    let begun = Instant::now();
    while service.app.engine.board.is_watched() {
        assert!(begun.elapsed() < HANG, "the board is still watched");
        service.app.engine.board.post(service.answer("BTC-USD", 0.9));
        std::thread::yield_now();
    }
    assert_eq!(service.app.live.watchers(), 0);
}

#[test]
fn a_drain_ends_the_streams() {
    let mut service = Service::plain();
    let mut watcher = watch(&service, "/stream");
    next_data(&mut watcher);
    assert_eq!(service.stop(), 0);
    while !watcher.line().is_empty() {}
}
