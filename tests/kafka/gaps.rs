//! Sequence numbers: a partition that holds the messages of one connection tells how many of them are missing.

use super::{
    market::{Record, records},
    world::World,
};
use crate::support::process::Process;

fn heartbeat(partition: usize, number: u64) -> Record {
    let payload = format!(r#"{{"channel":"heartbeats","sequence_num":{number},"events":[]}}"#);
    Record { partition, key: "heartbeat".to_owned(), payload: Some(payload) }
}

/// Ticks without sequence numbers, and these heartbeats among them in order.
fn with_heartbeats(seed: u64, heartbeats: Vec<Record>) -> Vec<Record> {
    let is_numbered =
        |record: &Record| record.payload.as_deref().is_some_and(|text| text.contains("sequence_num"));
    let mut all: Vec<Record> =
        records(seed, 1_000).into_iter().filter(|record| !is_numbered(record)).collect();
    for (i, heartbeat) in heartbeats.into_iter().enumerate() {
        all.insert(40 * (i + 1), heartbeat);
    }
    all
}

fn assert_missing(engine: &Process, count: u64) {
    let (_, metrics) = engine.get("/metrics").unwrap();
    let line = format!("stormglass_sequence_missing_total {count}\n");
    let shown: Vec<&str> = metrics.lines().filter(|line| line.contains("sequence_missing")).collect();
    assert!(metrics.contains(&line), "{count} expected: {shown:?}");
}

#[test]
fn messages_that_are_missing_in_a_partition_are_counted_and_each_owner_begins_anew() {
    let world = World::new("gaps");
    let first = [(1, 0), (2, 100), (1, 1), (1, 4), (2, 101), (1, 5), (2, 102), (1, 9), (1, 9), (2, 103)];
    let engine = world.engine("a", &[]);
    world.feed(with_heartbeats(61, first.map(|(p, number)| heartbeat(p, number)).to_vec()), 4_000.0).join();
    world.await_all(&[&engine]);
    assert_missing(&engine, 2 + 3);
    assert!(engine.terminate().success());

    // What it did not read may have been another owner's: the first number says nothing.
    let engine = world.engine("a", &[]);
    let second = [(1, 20), (2, 90), (1, 22)];
    world.feed(with_heartbeats(62, second.map(|(p, number)| heartbeat(p, number)).to_vec()), 4_000.0).join();
    world.await_all(&[&engine]);
    assert_missing(&engine, 1);
    assert!(engine.terminate().success());
    world.check_sparse("gaps in sequence numbers");
}
