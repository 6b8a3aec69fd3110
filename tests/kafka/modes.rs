//! The second delivery mode, fewer predictions, and recorded ticks as the source.

use std::{collections::HashMap, process::Command, time::Duration};

use rdkafka::{
    ClientConfig,
    producer::{BaseProducer, BaseRecord, Producer},
};

use super::{
    broker,
    market::{PARTITIONS, records},
    reader,
    world::{World, size},
};

#[test]
fn at_least_once_repeats_some_and_says_which() {
    let world = World::new("atleast");
    let total = size(8_000, 100_000);
    let settings = [("KAFKA__DELIVERY", "at_least_once")];
    let feed = world.feed(records(21, total), 1_500.0);
    let mut engine = world.engine("a", &settings);
    for kill in 1..=2 {
        feed.await_sent(total * kill / 3);
        engine.signal("KILL");
        drop(engine);
        engine = world.engine("a", &settings);
    }
    feed.join();
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    let expected = world.expected();
    let predictions = world.predictions();
    let mut times: HashMap<_, usize> = HashMap::new();
    for (source, key, payload) in &predictions {
        assert_eq!(expected.predictions.get(source), Some(&(key.clone(), payload.clone())), "{source:?}");
        *times.entry(*source).or_default() += 1;
    }
    assert_eq!(times.len(), expected.predictions.len(), "none is missing");
    println!(
        "at least once, 2 kills: {} predictions due, {} repeated, told by their src",
        times.len(),
        predictions.len() - times.len()
    );
}

/// An engine that is killed at half the records and started again; how many there were.
fn crash_midway(world: &World, settings: &[(&str, &str)], seed: u64) -> usize {
    let total = size(6_000, 100_000);
    let feed = world.feed(records(seed, total), 2_000.0);
    let engine = world.engine("a", settings);
    feed.await_sent(total / 2);
    engine.signal("KILL");
    drop(engine);
    let engine = world.engine("a", settings);
    feed.join();
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    total
}

#[test]
fn one_prediction_a_second_is_the_first_of_each_also_after_a_crash() {
    let world = World::new("seconds");
    let settings = [("KAFKA__EMIT", "1s")];
    let total = crash_midway(&world, &settings, 22);
    let mut newest: HashMap<String, String> = HashMap::new();
    let mut due = Vec::new();
    for (source, (symbol, payload)) in world.expected().predictions {
        let body: serde_json::Value = serde_json::from_str(&payload).unwrap();
        let second = body["as_of"].as_str().unwrap()[..19].to_owned();
        if newest.insert(symbol.clone(), second.clone()) != Some(second) {
            due.push((source, symbol, payload));
        }
    }
    assert!(due.len() > 1_000);
    assert_eq!(world.predictions(), due);
    println!("one a second: {} predictions of {total} ticks", due.len());
}

#[test]
fn spikes_alone_are_those_of_every_tick_also_after_a_crash() {
    let world = World::new("spikes");
    let settings = [("KAFKA__EMIT", "spikes")];
    crash_midway(&world, &settings, 24);
    let all = world.expected().predictions;
    let is_spike = |payload: &str| {
        let body: serde_json::Value = serde_json::from_str(payload).unwrap();
        body["spike"] == true
    };
    let due: Vec<_> = all
        .iter()
        .filter(|(_, (_, payload))| is_spike(payload))
        .map(|(source, (symbol, payload))| (*source, symbol.clone(), payload.clone()))
        .collect();
    assert!((100..all.len() - 100).contains(&due.len()), "{} of {}", due.len(), all.len());
    assert_eq!(world.predictions(), due);
    println!("spikes alone: {} of {} predictions", due.len(), all.len());
}

/// Ends each partition of the ticks with records that were given up, and the mark that says so.
fn give_up_a_transaction(world: &World) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker::servers())
        .set("transactional.id", format!("{}-given-up", world.group()))
        .create()
        .unwrap();
    let patience = Duration::from_secs(30);
    producer.init_transactions(patience).unwrap();
    producer.begin_transaction().unwrap();
    for i in 0..40 * PARTITIONS {
        let topic = world.topic("ticks");
        let record: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(&topic).partition((i % PARTITIONS) as i32).payload(b"{}");
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(patience).unwrap();
    producer.abort_transaction(patience).unwrap();
}

#[test]
fn recorded_ticks_are_replayed_once_and_never_under_newer_ones() {
    let world = World::new("replay");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ticks.ndjson");
    // A broker refuses times of more than an hour ahead, as ticks with a wrong clock have; the market begins at midnight.
    let is_ahead = |line: &String| ["T01:", "T02:", "T03:"].iter().any(|hour| line.contains(hour));
    let lines = records(23, 7_500).into_iter().filter_map(|record| record.payload);
    let lines: Vec<String> = lines.filter(|line| !is_ahead(line)).collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    let replay = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_stormglass"))
            .args(["replay", "--to", "kafka", "--speed", "max", "--input", path.to_str().unwrap()])
            .args(more)
            .env("KAFKA_BOOTSTRAP_SERVERS", broker::servers())
            .envs(world.topics())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let (done, told, errors) = replay(&[]);
    assert!(done, "{errors}");
    let first = reader::read_all(&world.topic("ticks"));
    assert!(told.starts_with(&format!("{} ticks delivered", first.len())), "{told}");
    assert!(first.len() > 5_500);
    let engine = world.engine("a", &[]);
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    world.check("recorded ticks");

    give_up_a_transaction(&world);
    let (done, _, errors) = replay(&[]);
    assert!(!done && errors.contains("--shift-to-now"), "{errors}");
    assert_eq!(reader::read_all(&world.topic("ticks")).len(), first.len(), "nothing was mixed in");
    let (done, _, errors) = replay(&["--shift-to-now"]);
    assert!(done, "{errors}");
    assert_eq!(reader::read_all(&world.topic("ticks")).len(), 2 * first.len());
}
