//! The broker dies, or answers nothing, and comes back.

use std::time::{Duration, Instant};

use super::{
    broker,
    market::records,
    reader,
    world::{World, size},
};
use crate::support::process::{Process, send};

/// How soon `/health` must tell.
const TRUTH: Duration = Duration::from_secs(5);

/// Time until `/health` says so.
fn await_connected(engine: &Process, connected: bool, limit: Duration) -> Duration {
    let began = Instant::now();
    let wanted = format!(r#""kafka_connected":{connected}"#);
    engine.get_until("/health", engine.started.elapsed() + limit, |_, body| body.contains(&wanted));
    began.elapsed()
}

/// Rows and symbols are answered whether or not there is a broker.
fn assert_scores(engine: &Process, symbol: Option<&str>) {
    let row = engine::features::schema().iter().map(|name| format!(r#""{name}":0.5"#)).collect::<Vec<_>>();
    let rows = format!(r#"{{"rows":[{{{}}}]}}"#, row.join(","));
    let (status, body) = send(engine.address, "POST", "/predict", &rows).unwrap();
    assert!(status == 200 && body.contains(r#""scores":[0."#), "{status} {body}");
    if let Some(symbol) = symbol {
        let symbols = format!(r#"{{"symbols":["{symbol}"]}}"#);
        let (status, body) = send(engine.address, "POST", "/predict", &symbols).unwrap();
        assert!(status == 200 && body.contains(r#""probability":"#), "{status} {body}");
    }
    assert_eq!(engine.get("/livez").map(|(status, _)| status), Some(200));
}

#[test]
fn a_broker_that_dies_and_returns_costs_time_and_nothing_else() {
    let world = World::new("outage");
    let total = size(16_000, 100_000);
    let feed = world.feed(records(6, total), size(1_000.0, 2_000.0));
    let engine = world.engine("a", &[]);
    feed.await_sent(total / 4);
    await_connected(&engine, true, Duration::from_secs(40));
    broker::kill(1);
    let gone = await_connected(&engine, false, TRUTH);
    // What was scored before is still answered, for as long as it takes.
    let (left, away) = (Instant::now(), Duration::from_secs(size(3, 600)));
    while left.elapsed() < away {
        assert_scores(&engine, Some("P0-USD"));
        std::thread::sleep(Duration::from_millis(500));
    }
    broker::revive(1);
    let back = await_connected(&engine, true, TRUTH);
    feed.join();
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    println!(
        "/health told the death after {:.1} s and, {} s later, the return {:.1} s after the broker listened",
        gone.as_secs_f64(),
        away.as_secs(),
        back.as_secs_f64()
    );
    world.check("the broker is killed and returns");
}

#[test]
fn an_engine_that_starts_without_a_broker_waits_for_it() {
    let world = World::new("absent");
    world.feed(records(7, size(4_000, 100_000)), 4_000.0).join();
    broker::kill(1);
    let engine = world.engine("a", &[]);
    await_connected(&engine, false, Duration::from_secs(20));
    let (_, ready) = engine.get_until("/livez", Duration::from_secs(20), |status, _| status == 200);
    assert!(!ready.is_empty());
    assert_scores(&engine, None);
    broker::revive(1);
    await_connected(&engine, true, TRUTH);
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    world.check("the broker comes after the engine");
}

#[test]
fn a_broker_that_answers_nothing_is_waited_for_in_bounded_memory() {
    let world = World::new("silent");
    let (total, silence) = (size(60_000, 200_000), Duration::from_secs(size(20, 300)));
    world.feed(records(10, total), 1e9).join();
    // All ticks are there and most are not scored yet: the engine is at full load when the broker falls silent.
    let engine = world.engine("a", &[("KAFKA__COMMIT_INTERVAL_MS", "500")]);
    let began = Instant::now();
    while reader::committed(world.group(), &world.topic("ticks")).iter().all(|&offset| offset <= 0) {
        assert!(began.elapsed() < Duration::from_secs(40), "nothing was committed");
    }
    let before = engine.resident_mib();
    broker::freeze(1);
    let (frozen, mut most) = (Instant::now(), 0);
    while frozen.elapsed() < silence {
        most = most.max(engine.resident_mib());
        assert_eq!(engine.get("/livez").map(|(status, _)| status), Some(200));
        std::thread::sleep(Duration::from_millis(250));
    }
    let (_, health) = engine.get("/health").unwrap();
    broker::thaw(1);
    assert!(health.contains(r#""kafka_connected":false"#), "{health}");
    assert!(most < before + 150, "{most} MiB, {before} MiB before");
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    let seconds = silence.as_secs();
    world.check(&format!("silent for {seconds} s under load, {before} MiB before and {most} MiB at most"));
}
