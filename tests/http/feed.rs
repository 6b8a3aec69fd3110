//! How fresh the state is: one judgement in `/health`, `/sources`, `/readyz?verbose`, the metrics and `doctor`.

use std::{path::Path, process::Command, sync::Arc, time::Instant};

use api::http::answer::wall_clock_nanos;
use engine::{
    bound_model::BoundModel,
    encode::encode,
    message::{Batch, Epoch, Message, RoutedTick},
    metrics::EngineMetrics,
    shard::{NoOut, ShardCore},
    sim::{SimConfig, Simulator},
    state::StateSettings,
    symbol::{Offset, Partition, Position, SymbolKey, SymbolTable},
    tick::EventTime,
};
use serde_json::{Value, json};

use super::metrics::samples;
use crate::support::{
    client::HANG,
    fixtures::small_model,
    process::Process,
    service::{Service, Setup},
};

/// Simulated ticks as a recording of real ones: their number, and the time of the newest.
fn record(path: &Path, start: &str, count: usize) -> EventTime {
    let start: jiff::Timestamp = start.parse().unwrap();
    let start = EventTime::from_nanos(start.as_nanosecond() as i64).unwrap();
    let config = SimConfig { start, ..SimConfig::default() };
    let (mut text, mut line, mut newest) = (String::new(), String::new(), start);
    for (symbol, tick) in Simulator::new(config.clone()).take(count) {
        encode("coinbase", &config.symbols[symbol].product, &tick, &mut line);
        text.push_str(&line);
        text.push('\n');
        newest = newest.max(tick.event_time);
    }
    std::fs::write(path, text).unwrap();
    newest
}

fn json_of(service: &Process, path: &str) -> Value {
    serde_json::from_str(&service.get(path).unwrap().1).unwrap()
}

#[test]
fn a_file_is_finished_only_when_its_last_tick_is_in_its_state_and_health_says_so() {
    const TICKS: usize = 60_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ticks.ndjson");
    let newest = record(&path, "2024-03-01T00:00:00Z", TICKS);
    let source = format!("file:{}", path.display());
    let service = Process::serve(&["--source", &source, "--speed", "max"], |_| ());
    let finished = |_: u16, body: &str| body.contains(r#""state":"finished","since""#);
    let (_, body) = service.get_until("/sources", HANG, finished);
    let sources: Value = serde_json::from_str(&body).unwrap();
    let source = &sources["sources"][0];
    assert_eq!(source["ticks"]["accepted"], TICKS, "{source}");
    assert_eq!(source["feed"]["state"], "finished");
    assert_eq!(source["feed"]["newest_tick"], newest.to_string());

    let (status, body) = service.get("/health").unwrap();
    let health: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &health["status"]), (200, &json!("degraded")));
    let words =
        format!("source finished: file {} is at its end, the newest tick is of {newest}, ", path.display());
    let reasons = health["reasons"].as_array().unwrap();
    assert!(reasons.len() == 1 && reasons[0].as_str().unwrap().starts_with(&words), "{reasons:?}");
    assert_eq!(health["feed"]["newest_tick"], newest.to_string());
    let age_ms = health["feed"]["age_ms"].as_i64().unwrap();
    let expected_ms = (wall_clock_nanos() - newest.nanos()) / 1_000_000;
    assert!((expected_ms - 60_000..=expected_ms).contains(&age_ms), "{age_ms}, {expected_ms}");

    let (status, body) = service.get("/readyz?verbose").unwrap();
    assert!(status == 200 && body.contains(&words), "{status} {body}");
    let metrics = service.get("/metrics").unwrap().1;
    let newest_s = samples(&metrics)["stormglass_newest_tick_timestamp_seconds"];
    assert!((newest_s - newest.nanos() as f64 * 1e-9).abs() < 1e-3, "{newest_s}");
    let symbols = json_of(&service, "/symbols");
    assert!(symbols["symbols"].as_array().unwrap().iter().all(|s| s["status"] == "stale"), "{symbols}");
}

#[test]
fn records_none_of_which_is_a_tick_have_words_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ticks.ndjson");
    std::fs::write(&path, "no tick at all\n".repeat(100)).unwrap();
    let source = format!("file:{}", path.display());
    let service = Process::serve(&["--source", &source, "--speed", "max"], |_| ());
    let told = |_: u16, body: &str| body.contains("all records are unreadable: not_json (100 of 100)");
    let (_, body) = service.get_until("/health", HANG, told);
    assert!(body.contains("degraded") && !body.contains("warming"), "{body}");
    let doctor = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .env_clear()
        .args(["doctor", "--url", &format!("http://{}", service.address)])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(said.contains("all records are unreadable: not_json (100 of 100)"), "{said}");
}

#[test]
fn every_symbol_stale_is_degraded_and_stays_ready() {
    let service = Service::plain();
    let shard = &service.app.engine.metrics.shards[0];
    let newest = EventTime::from_nanos(wall_clock_nanos() - 603_000_000_000).unwrap();
    shard.newest_tick_nanos.set(newest.nanos() as u64);
    let answer = service.get("/health");
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["status"], &body["feed"]["state"]),
        (200, &json!("degraded"), &json!("silent"))
    );
    let reason = body["reasons"][0].as_str().unwrap();
    assert!(
        reason.starts_with("no tick for 10m ") && reason.contains(&format!("the newest is of {newest}")),
        "{reason}"
    );
    let ready = service.get("/readyz?verbose");
    assert!(ready.status == 200 && ready.text().contains("no tick for 10m "), "{}", ready.text());
    assert_eq!(service.get("/sources").json()["sources"][0]["feed"]["state"], "silent");
    shard.newest_tick_nanos.set(wall_clock_nanos() as u64);
    assert_eq!(service.get("/health").json()["status"], "healthy");
}

#[test]
fn that_no_tick_has_ever_come_is_not_called_warming() {
    let service = Service::start(Setup { model: Some(small_model()), ..Setup::default() });
    service.app.engine.metrics.shards[0].predictions_calm.set(0);
    let body = service.get("/health").json();
    assert_eq!(body["reasons"], json!(["no tick has ever come from the source simulator"]));
    assert_eq!(body["feed"], json!({"state": "no_tick_yet", "newest_tick": null, "age_ms": null}));
    service.app.engine.metrics.shards[0].newest_tick_nanos.set(wall_clock_nanos() as u64);
    let body = service.get("/health").json();
    assert_eq!(body["reasons"], json!(["warming: no symbol has a probability yet"]));
}

#[test]
fn a_state_restored_from_a_snapshot_counts_as_having_a_probability_and_keeps_its_time() {
    let model = Arc::new(BoundModel::new(small_model()).unwrap());
    let shard = || {
        let metrics = Arc::default();
        let core = ShardCore::new(StateSettings::default(), Some(model.clone()), Arc::clone(&metrics));
        (
            core,
            EngineMetrics {
                shards: vec![metrics],
                ingest: Arc::default(),
                lanes: Arc::default(),
                live: Arc::default(),
            },
        )
    };
    let symbol = SymbolTable::default().intern("simulator", "BTC-USD").unwrap();
    let key = SymbolKey { partition: Partition(0), symbol: symbol.id };
    let (mut before, metrics_before) = shard();
    let ticks = Simulator::new(SimConfig::default()).filter(|(symbol, _)| *symbol == 0).take(3_000);
    let ticks = ticks.enumerate().map(|(i, (_, tick))| {
        let position = Position { partition: key.partition, offset: Offset(i as u64), index: 0 };
        RoutedTick { key, position, epoch: Epoch::NONE, tick }
    });
    let batch = Batch { new_symbols: vec![symbol.clone()], ticks: ticks.collect(), reply: None };
    before.step(Instant::now(), &mut vec![Message::Ticks(batch)], &mut NoOut);
    assert!(metrics_before.has_had_probability(), "3,000 ticks are enough");
    assert!(metrics_before.newest_arrival_ago(Instant::now()).is_some());
    let snapshot = before.snapshot(key).unwrap();

    let (mut after, metrics) = shard();
    assert!(!metrics.has_had_probability() && !metrics.has_held_symbols());
    after.restore(symbol, key, &snapshot).unwrap();
    assert!(metrics.has_had_probability() && metrics.has_held_symbols());
    assert_eq!(metrics.newest_tick_nanos(), metrics_before.newest_tick_nanos());
    assert_eq!(metrics.newest_arrival_ago(Instant::now()), None, "nothing has arrived since");
}
