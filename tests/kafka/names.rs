//! Two processes with one name, and what only looks like it.

use std::time::{Duration, Instant};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
    producer::{BaseProducer, Producer},
};

use super::{
    broker,
    market::records,
    world::{SESSION_TIMEOUT_S, World, size},
};
use crate::support::process::Process;

const LIMIT: Duration = Duration::from_secs(40);

#[test]
fn of_two_processes_with_one_name_the_older_ends_with_75() {
    let world = World::new("namesake");
    let total = size(8_000, 100_000);
    let feed = world.feed(records(4, total), size(1_000.0, 2_000.0));
    let older = world.engine("a", &[]);
    feed.await_sent(total / 3);
    let younger = world.engine("a", &[]);
    let began = Instant::now();
    assert_eq!(older.wait().code(), Some(75));
    println!(
        "the older of two namesakes ended {:.1} s after the younger's start",
        began.elapsed().as_secs_f64()
    );
    feed.join();
    world.await_all(&[&younger]);
    // Alive: the younger was not fenced in its turn.
    assert_eq!(younger.get("/livez").map(|(status, _)| status), Some(200));
    assert!(younger.terminate().success());
    world.check("two processes with one name");
}

#[test]
fn the_older_of_two_names_ends_also_when_it_slept_through_the_youngers_start() {
    let world = World::new("sleeper");
    let total = size(10_000, 100_000);
    let feed = world.feed(records(33, total), size(800.0, 2_000.0));
    let older = world.engine("a", &[("KAFKA__TRANSACTION_TIMEOUT_S", "2")]);
    feed.await_sent(total / 5);
    older.signal("STOP");
    // Both words are old when it wakes: its transaction and its session have timed out.
    std::thread::sleep(Duration::from_secs(SESSION_TIMEOUT_S.parse::<u64>().unwrap() + 2));
    let younger = world.engine("a", &[]);
    await_owner(&younger);
    older.signal("CONT");
    assert_eq!(older.wait().code(), Some(75));
    feed.join();
    world.await_all(&[&younger]);
    assert_eq!(restarts(&younger), 0, "the younger was disturbed: {:#?}", younger.log_lines());
    assert!(younger.terminate().success());
    world.check("the older of two names sleeps past its session");
}

#[test]
fn the_older_of_two_names_ends_also_when_it_owns_nothing() {
    let world = World::new("standby");
    let owner = world.engine("a", &[("KAFKA__LANES", "4")]);
    await_owner(&owner);
    let older = world.engine("b", &[]);
    // It has joined, and was given nothing.
    older.get_until("/metrics", LIMIT, |_, body| body.contains("stormglass_kafka_rebalances_total 1\n"));
    let younger = world.engine("b", &[]);
    assert_eq!(older.wait().code(), Some(75));
    world.feed(records(34, 2_000), 4_000.0).join();
    world.await_all(&[&owner, &younger]);
    for engine in [younger, owner] {
        assert!(engine.terminate().success());
    }
    world.check_sparse("two standbys with one name");
}

#[test]
fn a_name_that_is_fenced_by_accident_begins_anew_and_nobody_ends() {
    for delivery in ["exactly_once", "at_least_once"] {
        let world = World::new(&format!("accident-{delivery}"));
        let total = size(8_000, 100_000);
        let feed = world.feed(records(35, total), size(800.0, 2_000.0));
        let engine = world.engine("a", &[("KAFKA__DELIVERY", delivery)]);
        // Soon after one another: a second accident proves no more than the first.
        for accident in 1..=3 {
            feed.await_sent(total * accident / 5);
            await_owner(&engine);
            let before = restarts(&engine);
            fence(&world, "a", delivery == "exactly_once");
            let began = Instant::now();
            while restarts(&engine) == before {
                assert!(began.elapsed() < LIMIT, "it was not fenced");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        feed.join();
        world.await_all(&[&engine]);
        assert!(engine.terminate().success());
        if delivery == "exactly_once" {
            world.check("fenced three times and nobody there");
        }
    }
}

/// Fences a lane as a lost answer and a late transaction do: by both of its names, and nobody stays who has them.
fn fence(world: &World, instance: &str, has_transactions: bool) {
    let name = format!("{}-{instance}-0", world.group());
    let client = |properties: &[(&str, &str)]| {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", broker::servers());
        for (key, value) in properties {
            config.set(*key, *value);
        }
        config
    };
    if has_transactions {
        let producer: BaseProducer = client(&[("transactional.id", &name)]).create().unwrap();
        producer.init_transactions(LIMIT).unwrap();
    }
    let member: BaseConsumer = client(&[
        ("group.id", world.group()),
        ("group.instance.id", &name),
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("enable.auto.commit", "false"),
    ])
    .create()
    .unwrap();
    member.subscribe(&[&world.topic("ticks")]).unwrap();
    let began = Instant::now();
    // Or fenced in its turn, by a lane that was quick to begin anew.
    while member.assignment().unwrap().count() == 0 && member.client().fatal_error().is_none() {
        assert!(began.elapsed() < LIMIT, "the name was not given");
        drop(member.poll(Duration::from_millis(20)));
    }
}

/// Waits until an engine owns all partitions.
fn await_owner(engine: &Process) {
    engine.get_until("/metrics", engine.started.elapsed() + LIMIT, |_, body| {
        body.lines().any(|line| line == "stormglass_kafka_partitions 4")
    });
}

fn restarts(engine: &Process) -> u64 {
    let (_, metrics) = engine.get("/metrics").unwrap();
    let line = metrics.lines().find_map(|line| line.strip_prefix("stormglass_kafka_lane_restarts_total "));
    line.unwrap().parse().unwrap()
}
