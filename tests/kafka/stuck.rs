//! A lane that cannot commit, because the dead letters' topic does not take a record, or that the group does not let in.

use std::time::Duration;

use rdkafka::{
    ClientConfig,
    admin::{AdminOptions, AlterConfig, ResourceSpecifier},
    consumer::{BaseConsumer, Consumer},
};

use super::{
    broker,
    market::{Record, records},
    reader,
    tools::stormglass,
    world::{World, block_on},
};
use crate::support::process::Process;

pub(super) const LAG: &str = "stormglass_kafka_lag_records";
const LIMIT: Duration = Duration::from_secs(60);

fn bound_letters(world: &World, bytes: &str) {
    let topic = world.topic("dlq");
    let bound = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("max.message.bytes", bytes);
    block_on(world.admin().alter_configs([&bound], &AdminOptions::new())).unwrap()[0].as_ref().unwrap();
}

/// Records without a commit, by the broker's word.
pub(super) fn waiting(world: &World) -> i64 {
    let topic = world.topic("ticks");
    reader::ends(&topic).iter().sum::<i64>() - reader::committed(world.group(), &topic).iter().sum::<i64>()
}

pub(super) fn await_metric(engine: &Process, series: &str, value: i64) {
    let line = format!("{series} {value}");
    let limit = engine.started.elapsed() + LIMIT;
    engine.get_until("/metrics", limit, |_, body| body.lines().any(|found| found == line));
}

#[test]
fn a_lane_that_cannot_commit_says_why_and_how_much_waits_until_it_can() {
    let world = World::new("stuck");
    world.create(&world.topic("dlq"), 1);
    let mut first = records(64, 5_000);
    let next = first.split_off(3_000);
    let engine = world.engine("a", &[]);
    world.feed(first, 4_000.0).join();
    world.await_all(&[&engine]);
    await_metric(&engine, LAG, 0);

    bound_letters(&world, "100000");
    let unreadable = Record { partition: 0, key: "k".to_owned(), payload: Some("x".repeat(300_000)) };
    world.feed([vec![unreadable], next].concat(), 1e9).join();
    let limit = engine.started.elapsed() + LIMIT;
    let words = format!("{} did not take a record", world.topic("dlq"));
    let (_, health) = engine.get_until("/health", limit, |_, body| body.contains("has begun anew"));
    assert!(health.contains(r#""status":"degraded""#), "{health}");
    assert!(health.contains(&words) && health.contains("MessageSizeTooLarge"), "{health}");
    let lag = waiting(&world);
    assert!(lag > 300, "{lag} records wait");
    await_metric(&engine, LAG, lag);
    let (_, sources) = engine.get("/sources").unwrap();
    assert!(sources.contains(&words) && sources.contains(&format!(r#""lag_records":{lag},"#)), "{sources}");
    let url = format!("http://{}", engine.address);
    let said = stormglass(&world, &["doctor", "--url", &url]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert!(said.out.contains(&words), "{}", said.out);
    assert!(
        said.out.contains(&format!("{lag} records behind; nothing is committed in partitions")),
        "{}",
        said.out
    );
    println!("of a lane that cannot commit /health says: {health}");

    bound_letters(&world, "1048588");
    world.await_all(&[&engine]);
    await_metric(&engine, LAG, 0);
    assert!(engine.terminate().success());
    world.check_sparse("a dead letter that its topic did not take for a while");
}

#[test]
fn a_lane_that_a_foreign_member_keeps_out_of_the_group_tells_how_much_waits() {
    let world = World::new("foreign");
    let foreign: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker::servers())
        .set("group.id", world.group())
        .set("partition.assignment.strategy", "range")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    foreign.subscribe(&[&world.topic("ticks")]).unwrap();
    let serve_foreign = || while foreign.poll(Duration::from_millis(1)).is_some() {};
    let began = std::time::Instant::now();
    while foreign.assignment().unwrap().count() == 0 {
        assert!(began.elapsed() < LIMIT, "it is not in the group");
        serve_foreign();
    }
    let mut first = records(65, 2_000);
    let second = first.split_off(1_200);
    world.feed(first, 1e9).join();
    let engine = world.engine("a", &[]);
    let held_up = |_: u16, body: &str| {
        serve_foreign();
        body.contains("lane 0 is held up") && body.contains("Inconsistent group protocol")
    };
    let (_, health) = engine.get_until("/health", engine.started.elapsed() + LIMIT, held_up);
    println!("of a group with a foreign member /health says: {health}");
    for (more, lag) in [(None, 1_200), (Some(second), 2_000)] {
        more.into_iter().for_each(|more| world.feed(more, 1e9).join());
        let line = format!("{LAG} {lag}");
        engine.get_until("/metrics", engine.started.elapsed() + LIMIT, |_, body| {
            serve_foreign();
            body.lines().any(|found| found == line)
        });
    }
    drop(foreign);
    world.await_all(&[&engine]);
    await_metric(&engine, LAG, 0);
    assert!(engine.terminate().success());
    world.check_sparse("a group whose foreign member has left");
}
