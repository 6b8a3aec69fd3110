//! State follows the committed offset: from snapshots, from the origin without them, from a new origin without both.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminOptions, NewPartitions},
};

use super::{
    market::{PARTITIONS, records},
    oracle::Logged,
    reader,
    world::{World, block_on, size},
};
use crate::support::process::Process;

/// The newest of a counter's values with this label.
pub(super) fn counted(engine: &Process, series: &str) -> u64 {
    let (_, metrics) = engine.get("/metrics").unwrap();
    let line = metrics.lines().find(|line| line.starts_with(series)).unwrap();
    line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as u64
}

/// Deletes a topic, and waits until the broker has.
pub(super) fn delete_topic(world: &World, topic: &str) {
    let admin = world.admin();
    block_on(admin.delete_topics(&[topic], &AdminOptions::new())).unwrap()[0].as_ref().unwrap();
    let began = Instant::now();
    while reader::exists(topic) {
        assert!(began.elapsed() < Duration::from_secs(20), "{topic} is still there");
    }
}

/// Deletes the oldest records of each partition of a topic.
fn delete_records(world: &World, topic: &str, upto: impl Fn(i64) -> i64) {
    let mut list = TopicPartitionList::new();
    for (partition, end) in reader::ends(topic).into_iter().enumerate() {
        list.add_partition_offset(topic, partition as i32, Offset::Offset(upto(end))).unwrap();
    }
    let deleted = block_on(world.admin().delete_records(&list, &AdminOptions::new())).unwrap();
    assert!(deleted.elements().iter().all(|element| element.error().is_ok()), "{deleted:?}");
}

#[test]
fn a_restart_without_new_ticks_keeps_the_age_and_the_probabilities_of_the_state() {
    let world = World::new("age");
    let engine = world.engine("a", &[]);
    world.feed(records(11, 8_000), 5_000.0).join();
    world.await_all(&[&engine]);
    let health = |engine: &Process| -> serde_json::Value {
        serde_json::from_str(&engine.get("/health").unwrap().1).unwrap()
    };
    let newest = health(&engine)["feed"]["newest_tick"].as_str().unwrap().to_owned();
    assert!(newest.starts_with("2026-01-01T"), "{newest}");
    let newest_s = counted(&engine, "stormglass_newest_tick_timestamp_seconds ");
    // The small model contradicts the forecast of some symbols, which then have no probability.
    let is_answered = |body: &str| body.contains(r#""status":"stale""#);
    let mut paths = (0..8).map(|i| format!("/predict/P{i}-USD"));
    let path =
        paths.find(|path| is_answered(&engine.get(path).unwrap().1)).expect("a symbol has a probability");
    assert!(engine.terminate().success());

    let engine = world.engine("a", &[]);
    let restored = |_: u16, body: &str| body.contains(&newest);
    let (_, body) = engine.get_until("/health", Duration::from_secs(60), restored);
    assert!(body.contains(&format!("the newest is of {newest}")), "{body}");
    assert!(!body.contains("warming") && !body.contains("no tick has ever come"), "{body}");
    assert_eq!(counted(&engine, "stormglass_newest_tick_timestamp_seconds "), newest_s);
    engine.get_until(&path, Duration::from_secs(60), |status, body| status == 200 && is_answered(body));
    assert!(engine.terminate().success());
}

#[test]
fn a_killed_engine_goes_on_from_snapshots_and_rebuilds_from_the_log_without_them() {
    let world = World::new("state");
    let engine = world.engine("a", &[]);
    let total = size(16_000, 100_000);
    let mut first = records(8, total);
    let latest = first.split_off(total / 8 * 7);
    let then = first.split_off(total / 4 * 3);
    let before = first.len() as u64;
    world.feed(first, size(3_000.0, 5_000.0)).join();
    world.await_all(&[&engine]);
    engine.signal("KILL");
    drop(engine);

    // With snapshots: little is read again.
    let engine = world.engine("a", &[]);
    world.feed(then, 2_000.0).join();
    world.await_all(&[&engine]);
    assert_eq!(counted(&engine, r#"stormglass_kafka_restored_total{from="snapshots"}"#), PARTITIONS as u64);
    let again = counted(&engine, r#"stormglass_kafka_records_total{read="replayed"}"#);
    assert!(again < before / 4 * 3, "{again} of {before} records were read again");
    let restore = counted(&engine, "stormglass_kafka_restore_seconds");
    assert!(restore < 30, "{restore} s");
    engine.signal("KILL");
    drop(engine);

    // Without: all of it is, and the bytes are the same.
    delete_topic(&world, &world.topic("snapshots"));
    let engine = world.engine("a", &[]);
    world.feed(latest, 2_000.0).join();
    world.await_all(&[&engine]);
    assert_eq!(counted(&engine, r#"stormglass_kafka_restored_total{from="origin"}"#), PARTITIONS as u64);
    assert!(engine.terminate().success());
    world.check(&format!("killed twice, {again} records read again with snapshots, all without"));
}

#[test]
fn state_kept_in_files_outlives_the_topic_and_the_start_of_the_log() {
    let world = World::new("files");
    let directory = tempfile::tempdir().unwrap();
    let settings = [("KAFKA__STATE_DIRECTORY", directory.path().to_str().unwrap())];
    let engine = world.engine("a", &settings);
    let total = size(8_000, 100_000);
    let mut first = records(12, total);
    let then = first.split_off(total / 4 * 3);
    world.feed(first, 4_000.0).join();
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    let log = world.log();
    delete_topic(&world, &world.topic("snapshots"));
    // A third is gone: what rebuilds from the log, or begins anew there, does not give these bytes.
    delete_records(&world, &world.topic("ticks"), |end| end / 3);
    let engine = world.engine("a", &settings);
    world.feed(then, 2_000.0).join();
    world.await_all(&[&engine]);
    assert_eq!(counted(&engine, r#"stormglass_kafka_restored_total{from="snapshots"}"#), PARTITIONS as u64);
    assert!(engine.terminate().success());
    let ends = |log: &[Logged]| log.iter().map(|l| (l.partition, l.offset)).collect::<BTreeMap<u32, u64>>();
    let before = ends(&log);
    let later = world.log().into_iter().filter(|l| l.offset > before[&l.partition]);
    let whole: Vec<Logged> = log.into_iter().chain(later).collect();
    world.check_against("from files, without the topic and a third of the log", &whole);
}

#[test]
fn what_is_lost_is_said_and_the_rest_goes_on() {
    let world = World::new("lost");
    let engine = world.engine("a", &[]);
    let total = size(5_000, 100_000);
    let mut first = records(11, total);
    let then = first.split_off(total / 5 * 4);
    world.feed(first, 4_000.0).join();
    world.await_all(&[&engine]);
    engine.signal("KILL");
    drop(engine);
    delete_topic(&world, &world.topic("snapshots"));
    delete_records(&world, &world.topic("ticks"), |end| end / 2);
    let engine = world.engine("a", &[]);
    world.feed(then, 1_000.0).join();
    world.await_all(&[&engine]);
    assert_eq!(counted(&engine, r#"stormglass_kafka_restored_total{from="new_origin"}"#), PARTITIONS as u64);
    assert!(engine.terminate().success());
    let predictions = reader::read_all(&world.topic("predictions"));
    let mut by_origin: HashMap<bool, usize> = HashMap::new();
    for read in &predictions {
        let body: serde_json::Value = serde_json::from_slice(read.payload.as_deref().unwrap()).unwrap();
        *by_origin.entry(body["receipt"]["state_from"] == "new_origin").or_default() += 1;
    }
    assert!(by_origin[&true] > 100 && by_origin[&false] > 1_000, "{by_origin:?}");
    println!(
        "lost state: {} predictions from the origin, {} from a new one",
        by_origin[&false], by_origin[&true]
    );
}

#[test]
fn partition_counts_that_disagree_are_told() {
    let world = World::new("counts");
    let engine = world.engine("a", &[]);
    world.feed(records(13, 100), 1_000.0).join();
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    let topic = world.topic("ticks");
    let more = NewPartitions::new(&topic, PARTITIONS + 1);
    block_on(world.admin().create_partitions([&more], &AdminOptions::new())).unwrap()[0].as_ref().unwrap();
    let engine = world.engine("a", &[]);
    let (_, health) =
        engine.get_until("/health", Duration::from_secs(40), |_, body| body.contains("same number"));
    assert!(health.contains("degraded"), "{health}");
    assert!(engine.terminate().success());
}
