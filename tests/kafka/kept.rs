//! Receipts whose first ticks are gone.

use rdkafka::{Offset, TopicPartitionList, admin::AdminOptions};

use super::{
    market::records,
    reader,
    tools::{models, stormglass},
    world::{World, block_on},
};

#[test]
fn what_grew_from_ticks_that_are_gone_is_verified_from_a_kept_state() {
    let world = World::new("kept");
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().to_str().unwrap();
    let engine = world.engine("a", &[("KAFKA__STATE_DIRECTORY", state)]);
    let mut first = records(47, 5_000);
    let then = first.split_off(3_000);
    world.feed(first, 5_000.0).join();
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    let ends = reader::ends(&world.topic("ticks"));
    // Without the directory: what lies there stays as it is.
    let engine = world.engine("a", &[]);
    world.feed(then, 5_000.0).join();
    world.await_all(&[&engine]);
    assert!(engine.terminate().success());
    let mut cut = TopicPartitionList::new();
    for (partition, &end) in ends.iter().enumerate() {
        cut.add_partition_offset(&world.topic("ticks"), partition as i32, Offset::Offset(end)).unwrap();
    }
    block_on(world.admin().delete_records(&cut, &AdminOptions::new())).unwrap();

    let models = models();
    let verify = |more: &[&str]| {
        let arguments = ["verify", "--json", "--models", models.path().to_str().unwrap()];
        stormglass(&world, &[&arguments[..], more].concat())
    };
    let lost = verify(&[]);
    assert!(lost.code == Some(1) && lost.errors.contains("nothing could be verified"), "{}", lost.errors);
    let said = verify(&["--snapshot", state]);
    assert_eq!(said.code, Some(0), "{} {}", said.out, said.errors);
    let predictions = world.predictions();
    let later =
        predictions.iter().filter(|((partition, offset, _), ..)| *offset as i64 >= ends[*partition as usize]);
    let body = said.json();
    assert_eq!(body["verified"], later.count());
    assert!(body["verified"].as_u64().unwrap() > 1_500, "{body}");
    assert_eq!(body["not_verifiable"].as_object().unwrap().len(), 1, "{body}");
    println!("{} of {} predictions verified from kept states", body["verified"], predictions.len());

    let file = std::fs::read_dir(directory.path().join("0")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&file, bytes).unwrap();
    let damaged = verify(&["--snapshot", state]);
    assert!(damaged.code == Some(1) && damaged.errors.contains("not a whole state"), "{}", damaged.errors);
}
