//! `stormglass doctor` on a real broker: what is well, and what it names where it is not.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::{
    ClientConfig,
    producer::{BaseProducer, BaseRecord, Producer},
};
use serde_json::Value;

use super::{
    broker,
    market::{PARTITIONS, records},
    secure::secured,
    tools::{Said, stormglass, stormglass_with},
    world::World,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Outcome and words of each finding of a check.
fn of(said: &Said, check: &str) -> Vec<(String, String)> {
    let findings = said.json();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let all = findings.as_array().unwrap().iter().filter(|finding| finding["check"] == check);
    all.map(|finding| (text(finding, "outcome"), text(finding, "what"))).collect()
}

/// The findings of a doctor whose configured port nobody listens at.
fn doctor(world: &World, settings: &[(&str, &str)]) -> Said {
    stormglass_with(world, &["doctor", "--json"], &[&[("SERVER__LISTEN", "127.0.0.1:0")], settings].concat())
}

#[test]
fn a_group_that_has_caught_up_is_well() {
    let world = World::new("doctor");
    let engine = world.engine("a", &[]);
    world.feed(records(51, 3_000), 3_000.0).join();
    world.await_all(&[&engine]);
    let url = format!("http://{}", engine.address);
    let said = stormglass(&world, &["doctor", "--url", &url, "--json"]);
    for (check, words) in [
        ("kafka settings", "complete"),
        ("kafka bootstrap", "broker(s) answer"),
        ("kafka listeners", "reachable as advertised"),
        ("kafka topics", "predictions and snapshots have as many"),
        ("kafka group", "1 members, 0 records behind"),
        ("transactions", "to their ends"),
        ("kafka clock", "ahead of this clock"),
        ("alive", "is alive"),
    ] {
        let found = of(&said, check);
        let is_well = |(outcome, what): &(String, String)| outcome == "ok" && what.contains(words);
        assert!(found.iter().any(is_well), "{check}: {found:?}");
    }
    println!("doctor of a live group: {}", of(&said, "kafka group")[0].1);
    assert!(engine.terminate().success());
}

#[test]
fn differing_partition_counts_are_named() {
    let world = World::new("doctor-counts");
    world.create(&world.topic("predictions"), PARTITIONS as i32 + 1);
    let said = doctor(&world, &[]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    let found = of(&said, "kafka topics");
    let words = format!("has {} partitions and {} has {PARTITIONS}", PARTITIONS + 1, world.topic("ticks"));
    assert!(found.iter().any(|(outcome, what)| outcome == "failed" && what.contains(&words)), "{found:?}");
    let said = doctor(&world, &[("KAFKA__CREATE_TOPICS", "false")]);
    let found = of(&said, "kafka topics");
    assert!(found.iter().any(|(_, what)| what.contains("kafka.create_topics is false")), "{found:?}");
}

#[test]
fn ticks_that_nobody_takes_and_ticks_of_another_clock_are_told() {
    let world = World::new("doctor-lag");
    world.feed(records(52, 700), 7_000.0).join();
    let said = doctor(&world, &[]);
    assert_eq!(said.code, Some(0), "a warning is no failure: {}", said.out);
    let found = of(&said, "kafka group");
    assert!(found[0].0 == "warning" && found[0].1.contains("700 records behind: nobody works"), "{found:?}");
    assert_eq!(of(&said, "kafka clock")[0].0, "ok");

    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", broker::servers()).create().unwrap();
    let (topic, now) = (world.topic("ticks"), SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
    let ahead = (now + Duration::from_secs(600)).as_millis() as i64;
    let record = BaseRecord::<[u8], [u8]>::to(&topic).partition(1).payload(b"{}").timestamp(ahead);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(PATIENCE).unwrap();
    let found = of(&doctor(&world, &[]), "kafka clock");
    assert!(found[0].0 == "warning" && found[0].1.contains("partitions [1]"), "{found:?}");
}

#[test]
fn a_transaction_that_does_not_end_is_told_while_it_lasts() {
    let world = World::new("doctor-open");
    let topic = world.topic("predictions");
    world.create(&topic, PARTITIONS as i32);
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker::servers())
        .set("transactional.id", format!("{}-open", world.group()))
        .create()
        .unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    for _ in 0..3 {
        let record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&topic).partition(0).payload(b"{}");
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let found = of(&doctor(&world, &[]), "transactions");
    assert!(found[0].0 == "warning" && found[0].1.starts_with(&format!("3 records of {topic}")), "{found:?}");
    producer.abort_transaction(PATIENCE).unwrap();
    assert_eq!(of(&doctor(&world, &[]), "transactions")[0].0, "ok");
}

#[test]
fn a_wrong_password_is_told_and_is_not_in_what_is_said() {
    let world = World::new("doctor-secret");
    let (servers, authority) = secured();
    let properties = format!(
        "security.protocol=sasl_ssl,ssl.ca.location={authority},sasl.mechanisms=SCRAM-SHA-512,sasl.username=engine,\
         sasl.password=tock-tick-tock"
    );
    let settings =
        [("KAFKA__PROPERTIES", properties.as_str()), ("KAFKA__BOOTSTRAP_SERVERS", servers.as_str())];
    let said = doctor(&world, &settings);
    assert_eq!(said.code, Some(1), "{}", said.out);
    let found = of(&said, "kafka bootstrap");
    assert!(found[0].0 == "failed" && found[0].1.to_lowercase().contains("authentication"), "{found:?}");
    assert!(!said.out.contains("tock-tick-tock") && !said.errors.contains("tock-tick-tock"));
    let right = properties.replace("tock-tick-tock", "tick tock");
    let settings = [("KAFKA__PROPERTIES", right.as_str()), ("KAFKA__BOOTSTRAP_SERVERS", servers.as_str())];
    assert_eq!(of(&doctor(&world, &settings), "kafka bootstrap")[0].0, "ok");
}
