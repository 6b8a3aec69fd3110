//! The ticks' topic is deleted and created again under the same name: its offsets count other records.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, TopicPartitionList,
    admin::{AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, CommitMode, Consumer},
    types::RDKafkaErrorCode,
};

use super::{
    broker,
    market::{PARTITIONS, records},
    reader,
    state::{counted, delete_topic},
    tools::{models, stormglass},
    world::{World, block_on, source},
};
use crate::support::process::Process;

const LIMIT: Duration = Duration::from_secs(40);
const FROM_NEW_LOG: &str = r#"stormglass_kafka_restored_total{from="new_log"}"#;

/// Deletes the topic and creates it again as soon as the broker takes it, as a producer with auto-creation does.
fn recreate(world: &World) {
    let (admin, topic, options) = (world.admin(), world.topic("ticks"), AdminOptions::new());
    block_on(admin.delete_topics(&[&topic], &options)).unwrap()[0].as_ref().unwrap();
    let new = NewTopic::new(&topic, PARTITIONS as i32, TopicReplication::Fixed(1));
    let began = Instant::now();
    while let Err((_, code)) = &block_on(admin.create_topics([&new], &options)).unwrap()[0] {
        assert_eq!(*code, RDKafkaErrorCode::TopicAlreadyExists, "it is deleted and not gone yet");
        assert!(began.elapsed() < LIMIT, "the topic is not gone");
    }
}

/// Each prediction written from `before` on is one of the topic as it is now, each is there once, with its very bytes.
fn check_new(world: &World, before: &[i64], story: &str) {
    let expected = world.expected().predictions;
    let mut found = BTreeMap::new();
    for read in reader::read_all(&world.topic("predictions")) {
        if (read.offset as i64) < before[read.partition as usize] {
            continue;
        }
        let payload = String::from_utf8(read.payload.clone().unwrap()).unwrap();
        let again = found.insert(source(&read), (read.key.clone(), payload));
        assert!(again.is_none(), "two predictions of {:?}", source(&read));
    }
    let differing =
        expected.iter().filter(|(at, one)| found.get(at).is_some_and(|other| other != *one)).count();
    let missing = expected.keys().filter(|at| !found.contains_key(at)).count();
    assert_eq!((missing, differing, found.len()), (0, 0, expected.len()), "{story}");
    println!("{story}: {} predictions, each once, bytes equal", found.len());
}

/// An engine that has committed some ticks.
fn engine_with_past(world: &World) -> Process {
    // The engine may create the topic before the story does; it then gives it as many partitions.
    let partitions = PARTITIONS.to_string();
    let engine = world.engine("a", &[("KAFKA__PARTITIONS", &partitions)]);
    world.feed(records(61, 600), 6_000.0).join();
    world.await_all(&[&engine]);
    engine
}

#[test]
fn a_topic_that_is_created_again_is_scored_from_its_first_record_with_no_old_state() {
    for is_frozen in [false, true] {
        let world = World::new(&format!("recreated-{is_frozen}"));
        let engine = engine_with_past(&world);
        let before = reader::stable_ends(&world.topic("predictions"));
        // Where it stands still meanwhile, the first record that it gets is one of the new topic's middle.
        if is_frozen {
            engine.signal("STOP");
        }
        recreate(&world);
        world.feed(records(62, 3_000), 1e9).join();
        if is_frozen {
            engine.signal("CONT");
        }
        world.await_all(&[&engine]);
        let state = if is_frozen { "stopped" } else { "running" };
        check_new(&world, &before, &format!("recreated while the engine was {state}"));
        // A running engine may notice that the topic was gone for a moment. One that stood still can tell by the id only.
        if is_frozen {
            assert!(counted(&engine, FROM_NEW_LOG) >= PARTITIONS as u64);
            let (_, events) = engine.get("/events?kind=restored").unwrap();
            assert!(events.contains(r#""from":"new_log""#), "{events}");
            let log = engine.log_lines().join("\n");
            assert!(log.contains("was deleted and created again"), "{log}");
        }
        assert!(engine.terminate().success());
    }
}

#[test]
fn a_topic_that_is_created_again_with_as_many_records_as_were_read_is_noticed_while_nothing_comes() {
    let world = World::new("recreated-alike");
    let engine = engine_with_past(&world);
    let before = reader::stable_ends(&world.topic("predictions"));
    let ends = reader::ends(&world.topic("ticks"));
    engine.signal("STOP");
    recreate(&world);
    // As many in each partition, so that the offset to go on from is the new topic's end.
    let mut left = ends.clone();
    let mut alike = records(63, 1_200);
    alike.retain(|record| {
        left[record.partition] -= 1;
        left[record.partition] >= 0
    });
    world.feed(alike, 1e9).join();
    assert_eq!(reader::ends(&world.topic("ticks")), ends);
    engine.signal("CONT");
    let is_scored = format!("{FROM_NEW_LOG} {PARTITIONS}\n");
    engine.get_until("/metrics", engine.started.elapsed() + LIMIT, |_, body| body.contains(&is_scored));
    world.await_all(&[&engine]);
    check_new(&world, &before, "recreated with as many records");
    assert!(engine.terminate().success());

    // The predictions of the topic before are surplus; of the present one none differs.
    let models = models();
    let arguments = ["verify", "--models", models.path().to_str().unwrap(), "--json"];
    let report = stormglass(&world, &arguments).json();
    let count = |key: &str| report[key].as_u64().unwrap() as usize;
    assert_eq!(count("differing"), 0, "{report}");
    assert!(count("verified") * 10 > world.expected().predictions.len() * 9, "{report}");
    println!("verify after a topic was created again: {report}");
}

fn group(world: &World) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", broker::servers())
        .set("group.id", world.group())
        .set("enable.auto.commit", "false")
        .create()
        .unwrap()
}

/// The group's offsets with what is written beside them.
pub(super) fn positions(world: &World) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition_range(&world.topic("ticks"), 0, PARTITIONS as i32 - 1);
    group(world).committed_offsets(list, LIMIT).unwrap()
}

/// Commits such offsets, with the words changed.
fn commit(world: &World, positions: &TopicPartitionList, change: impl Fn(&str) -> String) {
    let mut list = TopicPartitionList::new();
    for element in positions.elements() {
        let mut new = list.add_partition(element.topic(), element.partition());
        new.set_offset(element.offset()).unwrap();
        new.set_metadata(change(element.metadata()));
    }
    // Refused while the group still counts the member that has just ended.
    let began = Instant::now();
    while let Err(error) = group(world).commit(&list, CommitMode::Sync) {
        assert!(began.elapsed() < LIMIT, "{error}");
        // Paces the tries; what is waited for is the commit.
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn an_offset_is_one_of_the_topic_whose_id_is_written_beside_it() {
    let world = World::new("positions");
    assert!(engine_with_past(&world).terminate().success());
    let old = positions(&world);
    for element in old.elements() {
        assert!(
            element.metadata().starts_with("sg2 ") && element.metadata().contains(" topic="),
            "{element:?}"
        );
    }
    // As the versions before wrote it: without the id.
    let without_id = |words: &str| words.split(" topic=").next().unwrap().replacen("sg2", "sg1", 1);
    commit(&world, &old, without_id);
    let engine = world.engine("a", &[]);
    world.feed(records(61, 1_200).split_off(600), 6_000.0).join();
    world.await_all(&[&engine]);
    let from_snapshots = r#"stormglass_kafka_restored_total{from="snapshots"}"#;
    assert_eq!(counted(&engine, from_snapshots), PARTITIONS as u64);
    assert!(engine.terminate().success());
    check_new(&world, &[0; PARTITIONS], "committed without the topic's id");

    // Offsets that outlived their topic, as a commit that was under way does.
    let old = positions(&world);
    delete_topic(&world, &world.topic("ticks"));
    world.create(&world.topic("ticks"), PARTITIONS as i32);
    world.feed(records(62, 3_000), 1e9).join();
    let before = reader::stable_ends(&world.topic("predictions"));
    commit(&world, &old, str::to_owned);
    let engine = world.engine("b", &[]);
    engine.get_until("/metrics", LIMIT, |_, body| body.contains(&format!("{FROM_NEW_LOG} {PARTITIONS}\n")));
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    check_new(&world, &before, "offsets of the topic before");
}
