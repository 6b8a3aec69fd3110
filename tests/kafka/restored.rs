//! RUNBOOK's "lost ticks back": the ticks are gone, their predictions are not.

use std::time::{Duration, Instant};

use super::{
    broker,
    market::records,
    reader,
    state::delete_topic,
    tools::{models, stormglass},
    world::World,
};

const LIMIT: Duration = Duration::from_secs(40);

#[test]
fn ticks_that_come_back_are_not_predicted_again_and_the_next_ones_go_on_from_them() {
    let world = World::new("restored");
    let mut first = records(63, 4_000);
    let next = first.split_off(2_500);
    let engine = world.engine("a", &[]);
    world.feed(first, 4_000.0).join();
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    let predictions = world.predictions();
    let ends = reader::ends(&world.topic("ticks"));
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().to_str().unwrap();
    let said = stormglass(&world, &["record", "--source", "kafka", "--output", output]);
    assert_eq!(said.code, Some(0), "{}", said.errors);

    let ticks = world.topic("ticks");
    delete_topic(&world, &ticks);
    let pattern = format!("{output}/{ticks}.*");
    let said = stormglass(&world, &["replay", "--input", &pattern, "--to", "kafka", "--speed", "max"]);
    assert_eq!(said.code, Some(0), "{}", said.errors);
    assert_eq!(reader::ends(&ticks), ends, "at the offsets that they had");
    let servers = broker::servers();
    let group = ["--bootstrap-server", &servers, "--group", world.group(), "--topic", &ticks];
    let reset = ["--reset-offsets", "--to-latest", "--execute"];
    let class = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    // Refused, with a word and no error, while the group still counts the member that has just ended.
    let began = Instant::now();
    while reader::committed(world.group(), &ticks) != ends {
        assert!(began.elapsed() < LIMIT, "the group's offsets are not set");
        broker::tool(class, &[&group[..], &reset].concat());
    }

    let engine = world.engine("a", &[]);
    world.feed(next, 4_000.0).join();
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    world.check("ticks lost and brought back");
    println!("{} predictions before the loss, {} after", predictions.len(), world.predictions().len());
    let models = models();
    let said = stormglass(&world, &["verify", "--models", models.path().to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{} {}", said.out, said.errors);
}
