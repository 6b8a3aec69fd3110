//! Producers choose partitions as they like: by another hash, or by none. Each prediction is still made exactly once,
//! of the ticks of its partition, and a symbol that lies in several is told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    market::{PARTITIONS, records},
    oracle::Expected,
    owners::{LIMIT, PATIENT, ageless},
    world::{Partitioning, World, size},
};
use crate::support::{client::Connection, process::Process};

/// By symbol, its partitions.
fn partitions(expected: &Expected) -> BTreeMap<&str, BTreeSet<u32>> {
    let mut all: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for (source, (symbol, _)) in &expected.predictions {
        all.entry(symbol).or_default().insert(source.0);
    }
    all
}

/// By symbol, the prediction that must answer: of the newest tick, of equal ones in the lowest partition.
fn newest(expected: &Expected) -> BTreeMap<&str, &str> {
    let mut last: BTreeMap<(&str, u32), &str> = BTreeMap::new();
    for (source, (symbol, payload)) in &expected.predictions {
        last.insert((symbol, source.0), payload);
    }
    let as_of = |payload: &str| -> jiff::Timestamp {
        let body: Value = serde_json::from_str(payload).unwrap();
        body["as_of"].as_str().unwrap().parse().unwrap()
    };
    let mut newest: BTreeMap<&str, &str> = BTreeMap::new();
    for ((symbol, _), payload) in last {
        let best = newest.entry(symbol).or_insert(payload);
        if as_of(payload) > as_of(best) {
            *best = payload;
        }
    }
    newest
}

fn await_split(engine: &Process, count: usize) {
    let wanted = format!("stormglass_symbol_split_total {count}\n");
    engine.get_until("/metrics", engine.started.elapsed() + LIMIT, |_, body| body.contains(&wanted));
}

/// The prediction as HTTP answers it, less what only HTTP adds.
fn bare(text: &str) -> String {
    ageless(text).replace(",}", "}").replace(r#","status":"stale","#, r#","status":"ok","#)
}

#[test]
fn the_hash_of_java_and_that_of_librdkafka_are_all_one() {
    for partitioner in ["murmur2_random", "consistent_random"] {
        let world = World::new(partitioner);
        let engine = world.engine("a", &[PATIENT]);
        // A hash may put most broken records into one partition: more ticks would pass its limit of them.
        world.feed_by(Partitioning::Key(partitioner), records(41, size(5_000, 20_000)), 5_000.0).join();
        world.await_all(&[&engine]);
        let expected = world.expected();
        let partitions = partitions(&expected);
        assert!(partitions.values().all(|partitions| partitions.len() == 1), "{partitions:?}");
        let used: BTreeSet<u32> = partitions.values().flatten().copied().collect();
        assert!(used.len() > 1, "{used:?}");
        await_split(&engine, 0);
        for (symbol, payload) in newest(&expected) {
            let answer = Connection::open(engine.address).get(&format!("/predict/{symbol}"));
            assert_eq!(bare(answer.text()), payload);
        }
        assert!(engine.terminate().success());
        world.check(partitioner);
    }
}

#[test]
fn without_keys_a_symbol_is_split_and_told_and_its_newest_tick_answers() {
    let world = World::new("unkeyed");
    let first = world.engine("a", &[PATIENT]);
    let feed = world.feed_by(Partitioning::Nothing, records(42, size(20_000, 100_000)), 3_000.0);
    let second = world.engine("b", &[PATIENT]);
    feed.join();
    world.await_all(&[&first, &second]);
    let expected = world.expected();
    let partitions = partitions(&expected);
    let split: BTreeMap<_, _> = partitions.into_iter().filter(|(_, all)| all.len() > 1).collect();
    assert!(split.values().any(|all| all.len() == PARTITIONS), "{split:?}");
    for engine in [&first, &second] {
        await_split(engine, split.len());
    }
    let newest = newest(&expected);
    for (symbol, payload) in &newest {
        for engine in [&first, &second] {
            let answer = Connection::open(engine.address).get(&format!("/predict/{symbol}"));
            assert_eq!(bare(answer.text()), *payload, "{symbol} at {}", engine.address);
        }
    }
    let names: Vec<&str> = newest.keys().copied().collect();
    let body = serde_json::json!({ "symbols": names }).to_string();
    for engine in [&first, &second] {
        let list = Connection::open(engine.address).post("/predict", body.as_bytes());
        let all: Vec<String> = newest.values().map(|payload| (*payload).to_owned()).collect();
        assert_eq!(bare(list.text()), format!(r#"{{"predictions":[{}]}}"#, all.join(",")));
        let symbols = Connection::open(engine.address).get("/symbols").json();
        for symbol in symbols["symbols"].as_array().unwrap() {
            let told = symbol.get("partitions").map(|all| serde_json::from_value(all.clone()).unwrap());
            assert_eq!(told.as_ref(), split.get(symbol["symbol"].as_str().unwrap()), "{symbol}");
        }
    }
    println!("without keys: {} of {} symbols are split", split.len(), newest.len());
    assert!(first.terminate().success());
    assert!(second.terminate().success());
    world.check_sparse("records without keys, two instances");
}
