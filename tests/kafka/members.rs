//! Instances come, go and freeze.

use std::time::{Duration, Instant};

use super::{
    market::records,
    world::{World, size},
};

#[test]
fn instances_with_several_lanes_join_and_leave_and_the_bytes_stay() {
    let world = World::new("members");
    let total = size(24_000, 120_000);
    let feed = world.feed(records(2, total), size(1_200.0, 2_000.0));
    let first = world.engine("a", &[]);
    feed.await_sent(total / 6);
    let second = world.engine("b", &[("KAFKA__LANES", "2")]);
    feed.await_sent(total * 2 / 6);
    let third = world.engine("c", &[]);
    feed.await_sent(total * 3 / 6);
    assert!(first.terminate().success());
    feed.await_sent(total * 4 / 6);
    third.signal("KILL");
    drop(third);
    feed.await_sent(total * 5 / 6);
    let first = world.engine("a", &[]);
    feed.join();
    world.await_all(&[&first, &second]);
    assert!(first.terminate().success());
    assert!(second.terminate().success());
    world.check("three instances, one with two lanes, join, leave and die");
}

#[test]
fn a_frozen_instance_that_wakes_after_its_session_writes_nothing_of_its_own() {
    let world = World::new("zombie");
    let total = size(18_000, 100_000);
    let feed = world.feed(records(3, total), size(1_200.0, 3_000.0));
    let frozen = world.engine("a", &[]);
    feed.await_sent(total / 4);
    frozen.signal("STOP");
    let other = world.engine("b", &[]);
    feed.await_sent(total * 3 / 4);
    frozen.signal("CONT");
    feed.join();
    world.await_all(&[&frozen, &other]);
    assert!(frozen.terminate().success());
    assert!(other.terminate().success());
    world.check("an instance frozen past its session wakes");
}

#[test]
fn a_transaction_that_outlives_its_timeout_is_given_up_and_what_was_in_it_is_sent_again() {
    let world = World::new("timeout");
    let (rounds, total) = (size(2, 10), size(16_000, 100_000));
    let settings = [("KAFKA__SESSION_TIMEOUT_S", "30"), ("KAFKA__TRANSACTION_TIMEOUT_S", "2")];
    let feed = world.feed(records(9, total), size(1_000.0, 1_500.0));
    let engine = world.engine("a", &settings);
    for round in 1..=rounds {
        feed.await_sent(total * round / (rounds + 1));
        engine.signal("STOP");
        // Frozen with a transaction open: the broker gives it up, and looks for such once a second.
        std::thread::sleep(Duration::from_secs(5));
        engine.signal("CONT");
    }
    feed.join();
    world.await_all(&[&engine]);
    let (_, metrics) = engine.get("/metrics").unwrap();
    let committed_at_once = metrics.lines().any(|line| line == "stormglass_kafka_lane_restarts_total 0")
        && metrics.contains(r#"stormglass_kafka_transactions_total{outcome="aborted"} 0"#);
    assert!(!committed_at_once, "no transaction was ever given up: {metrics}");
    assert!(engine.terminate().success());
    world.check(&format!("{rounds} transactions past their timeout"));
}

#[test]
fn one_that_is_asked_to_go_leaves_nothing_to_read_again() {
    let world = World::new("terminate");
    let (rounds, total) = (size(4, 20), size(12_000, 100_000));
    let feed = world.feed(records(5, total), size(750.0, 1_500.0));
    for round in 1..=rounds {
        let engine = world.engine("a", &[]);
        feed.await_sent(total * round / (rounds + 1));
        let limit = Duration::from_secs(40);
        let (_, metrics) = engine.get_until("/metrics", limit, |_, body| {
            body.contains("stormglass_kafka_partitions 4")
                && !body.contains("stormglass_kafka_predictions_total 0")
        });
        assert!(metrics.contains(r#"stormglass_kafka_records_total{read="replayed"} 0"#), "{metrics}");
        let began = Instant::now();
        engine.signal("TERM");
        let (status, log) = engine.wait_with_log();
        assert!(status.success(), "{status}: {log:#?}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
    let engine = world.engine("a", &[]);
    feed.join();
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    world.check(&format!("{rounds} terminations under load"));
}
