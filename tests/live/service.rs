//! The service with a live source: warm in seconds by past trades, and every connection shown.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;
use crate::support::process::Process;

fn now_ns() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

/// `GET /api/v3/brokerage/market/products/BTC-USD/ticker`: two trades a second, newest first.
fn market_trades(path: &str) -> String {
    let parameter = |key: &str| -> u64 {
        let query = path.split_once('?').unwrap().1;
        query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')).unwrap().parse().unwrap()
    };
    let newest = (parameter("end") * 2).min(now_ns() / 500_000_000);
    let trades = (newest.saturating_sub(999)..=newest).rev().filter(|&id| id >= parameter("start") * 2).map(|id| {
        let time = jiff::Timestamp::from_millisecond((id * 500) as i64).unwrap();
        let price = 67_000.0 + ((id * 7_919) % 1_000) as f64 / 100.0;
        json!({"trade_id": id.to_string(), "product_id": "BTC-USD", "price": format!("{price:.2}"), "size": "0.01", "time": time.to_string(), "side": "BUY"})
    });
    json!({"trades": trades.collect::<Vec<_>>(), "best_bid": "", "best_ask": ""}).to_string()
}

#[test]
fn a_backfill_makes_the_first_answers_ok_in_seconds_and_each_connection_is_shown() {
    let rest = Exchange::rest(|path| (200, market_trades(path)));
    let exchange = Exchange::start(|_, peer| {
        peer.hear();
        peer.hear();
        peer.send(r#"{"channel":"subscriptions","timestamp":"2026-04-05T22:35:13.925350911Z","sequence_num":0,"events":[{"subscriptions":{"ticker":["BTC-USD"]}}]}"#);
        for sequence in 1.. {
            let time = jiff::Timestamp::from_nanosecond(i128::from(now_ns())).unwrap();
            peer.send(&format!(
                r#"{{"channel":"ticker","timestamp":"{time}","sequence_num":{sequence},"events":[{{"type":"update","tickers":[{{"type":"ticker","product_id":"BTC-USD","price":"67005.00","best_bid":"67004.99","best_ask":"67005.01","best_bid_quantity":"1","best_ask_quantity":"2"}}]}}]}}"#
            ));
            std::thread::sleep(Duration::from_millis(100));
            if peer.is_over() {
                break;
            }
        }
    });
    let (url, rest_url) = (exchange.url(), format!("http://{}", rest.address));
    let arguments = ["--source", "coinbase", "--products", "BTC-USD", "--backfill", "3h"];
    let service = Process::serve(&arguments, |command| {
        command.env("STORMGLASS__LIVE__URLS", format!("coinbase={url}"));
        command.env("STORMGLASS__LIVE__REST_URLS", format!("coinbase={rest_url}"));
    });
    let limit = Duration::from_secs(60);
    let (after, body) = service.get_until("/predict/BTC-USD", limit, |status, body| {
        status == 200 && body.contains(r#""status":"ok""#)
    });
    println!("ok {after:?} after the start");
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["symbol"], "coinbase:BTC-USD");
    assert_eq!(answer["tau_source"], "own", "three hours are enough for a threshold of the symbol's own");
    let sources: Value = serde_json::from_str(&service.get("/sources").unwrap().1).unwrap();
    let source = &sources["sources"][0];
    assert_eq!((&source["source"], &source["connected"]), (&json!("live"), &json!(true)));
    let connection = &source["connections"][0];
    assert_eq!((&connection["venue"], &connection["state"]), (&json!("coinbase"), &json!("live")));
    let backfilled = connection["backfilled"].as_u64().unwrap();
    assert!((21_500..=21_610).contains(&backfilled), "three hours of two a second: {backfilled}");
    assert!(connection["lag_ms"].as_f64().unwrap().abs() < 5_000.0, "{connection}");
    let metrics = service.get("/metrics").unwrap().1;
    assert!(metrics.contains(r#"stormglass_live_connections{state="live"} 1"#));
    assert!(
        metrics.contains(&format!(r#"stormglass_live_backfilled_total{{venue="coinbase"}} {backfilled}"#))
    );
    let health = service.get("/health").unwrap().1;
    assert!(health.contains(r#""status":"healthy""#), "{health}");
    // The venue goes away.
    drop(exchange);
    let (_, health) = service.get_until("/health", limit + service.started.elapsed(), |_, body| {
        body.contains("coinbase connection 0 is ")
    });
    assert!(health.contains("degraded"), "{health}");
    assert!(service.terminate().success());
}

#[test]
fn venues_and_products_that_are_none_are_refused_at_the_start() {
    for (arguments, words) in [
        (vec!["--source", "coinbase,krakn"], "live.venues: \"krakn\" is no venue with a live feed"),
        (vec!["--source", "coinbase", "--products", "kraken:BTC/USD"], "which is not in live.venues"),
        (vec!["--source", "coinbase", "--backfill", "3"], "is not a time span; write it as 90s, 15m or 3h"),
    ] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_stormglass"));
        let output = command.arg("serve").args(&arguments).output().unwrap();
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}

#[test]
fn a_recorded_feed_replays_as_the_ticks_that_it_gave_with_the_time_of_their_receipt() {
    let message = |id: u64| {
        let time = 1_775_000_000_000_u64 + id * 100;
        format!(
            r#"{{"e":"aggTrade","E":{time},"s":"BTCUSDT","a":{id},"p":"67000.5","q":"0.01","f":{id},"l":{id},"T":{time},"m":true}}"#
        )
    };
    let exchange = Exchange::start(move |_, peer| {
        peer.hear();
        peer.send(r#"{"result":null,"id":0}"#);
        (1..=20).for_each(|id| peer.send(&message(id)));
        peer.linger();
    });
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().to_str().unwrap();
    let binary = env!("CARGO_BIN_EXE_stormglass");
    let recorder = std::process::Command::new(binary)
        .args(["record", "--source", "binance-usdm", "--products", "BTCUSDT", "--flush-s", "1"])
        .args(["--output", output])
        .env("STORMGLASS__LIVE__URLS", format!("binance-usdm={}", exchange.url()))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let recorded = || {
        let files = std::fs::read_dir(directory.path()).unwrap();
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect::<String>()
    };
    until("the last message is on the disk", || recorded().contains(r#""a":20"#));
    let ended =
        std::process::Command::new("kill").args(["-TERM", &recorder.id().to_string()]).status().unwrap();
    assert!(ended.success() && recorder.wait_with_output().unwrap().status.success());
    let lines = recorded();
    let first: Value = serde_json::from_str(lines.lines().nth(1).unwrap()).unwrap();
    let received: jiff::Timestamp = first["received"].as_str().unwrap().parse().unwrap();
    assert!(jiff::Timestamp::now().duration_since(received).as_secs() < 600, "{first}");
    assert_eq!(first["payload"]["a"], 1);

    let glob = format!("{output}/*.ndjson");
    let replayed = std::process::Command::new(binary)
        .args(["replay", "--input", &glob, "--to", "stdout", "--speed", "max"])
        .output()
        .unwrap();
    let ticks = String::from_utf8(replayed.stdout).unwrap();
    assert_eq!(ticks.lines().count(), 20, "{}", String::from_utf8_lossy(&replayed.stderr));
    assert!(
        ticks.lines().all(|tick| tick.contains(r#""venue":"binance-usdm","product_id":"BTCUSDT""#)),
        "{ticks}"
    );
}
