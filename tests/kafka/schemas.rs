//! Avro records whose schema is with a Schema Registry, which is not always there.

use std::{collections::BTreeMap, time::Duration};

use super::{
    market::{PARTITIONS, Record, records},
    oracle::Logged,
    reader,
    stuck::await_metric,
    world::{World, size},
};
use crate::support::schema_registry::SchemaRegistry;

const LIMIT: Duration = Duration::from_secs(60);
const ID: u8 = 7;
/// The fields of a tick of the market, each a text or null.
const FIELDS: [&str; 9] =
    ["timestamp", "product_id", "price", "best_bid", "best_ask", "last_size", "side", "trade_id", "type"];

fn schema() -> serde_json::Value {
    let field = |name| serde_json::json!({"name": name, "type": ["null", "string"], "default": null});
    let fields: Vec<_> = FIELDS.into_iter().map(field).collect();
    let schema = serde_json::json!({"type": "record", "name": "Tick", "fields": fields}).to_string();
    serde_json::json!({ "schema": schema })
}

/// The payload as framed Avro if it is a tick of the market, and as it is otherwise.
fn framed(payload: &str) -> Vec<u8> {
    let Ok(serde_json::Value::Object(tick)) = serde_json::from_str(payload) else {
        return payload.as_bytes().to_vec();
    };
    if !tick.iter().all(|(key, value)| FIELDS.contains(&key.as_str()) && value.is_string()) || tick.is_empty()
    {
        return payload.as_bytes().to_vec();
    }
    let mut bytes = vec![0, 0, 0, 0, ID];
    for field in FIELDS {
        match tick.get(field).and_then(serde_json::Value::as_str) {
            None => bytes.push(0),
            Some(text) => {
                assert!(text.len() < 64, "its length is one byte");
                bytes.extend([2, (text.len() << 1) as u8]);
                bytes.extend(text.as_bytes());
            }
        }
    }
    bytes
}

#[test]
fn while_the_registry_is_down_the_partitions_wait_and_nothing_is_lost() {
    let world = World::new("schemas");
    // A tombstone is no record of bytes.
    let mut all: Vec<Record> = records(71, size(4_000, 40_000));
    all.retain(|record| record.payload.is_some());
    let registry = SchemaRegistry::start("YW5uOnNlY3JldA==", BTreeMap::from([(u32::from(ID), schema())]));
    let settings = [
        ("SOURCE__SCHEMA_REGISTRY_URL", registry.url.as_str()),
        ("SOURCE__SCHEMA_REGISTRY_AUTH", "ann:secret"),
    ];
    let first = world.engine("a", &settings);
    let half = all.len() / 2;
    let given = |record: &Record| {
        let payload = record.payload.as_deref().unwrap();
        (record.partition, record.key.clone(), framed(payload))
    };
    world.send(all[..half].iter().map(given));

    let words = format!("whose schema {ID} is not known: the Schema Registry {}", registry.url);
    let limit = first.started.elapsed() + LIMIT;
    let (_, health) = first.get_until("/health", limit, |_, body| body.contains(&words));
    assert!(health.contains(r#""status":"degraded""#), "{health}");
    await_metric(&first, "stormglass_kafka_partitions_waiting", PARTITIONS as i64);
    assert!(registry.questions() > 1, "it asks again and again");
    // What cannot be read for this reason only is no dead letter, and stays in the log for the next owner.
    assert!(first.terminate().success());
    let engine = world.engine("a", &settings);
    await_metric(&engine, "stormglass_kafka_partitions_waiting", PARTITIONS as i64);

    registry.set_up(true);
    world.send(all[half..].iter().map(given));
    world.await_all(&[&engine]);
    await_metric(&engine, "stormglass_kafka_partitions_waiting", 0);
    let (_, metrics) = engine.get("/metrics").unwrap();
    assert!(metrics.contains("stormglass_kafka_lane_restarts_total 0\n"), "{metrics}");
    let limit = engine.started.elapsed() + LIMIT;
    engine.get_until("/health", limit, |_, body| !body.contains("schema"));

    // The same predictions, byte for byte, as of the same ticks as JSON.
    let mut offsets = [0; PARTITIONS];
    let log: Vec<Logged> = all
        .iter()
        .map(|record| {
            let offset = &mut offsets[record.partition];
            *offset += 1;
            let payload = record.payload.clone().map(String::into_bytes);
            Logged { partition: record.partition as u32, offset: *offset - 1, payload }
        })
        .collect();
    world.check_against("a registry that was down", &log);

    // What the registry answers, but cannot be read, is a dead letter with its reason.
    let broken = [vec![0, 0, 0, 0, 9, 2, 2, b'a'], vec![0, 0, 0, 0, ID, 2, 40, b'2']];
    let letters_before = reader::read_all(&world.topic("dlq")).len();
    world.send(broken.iter().map(|payload| (0, "k".to_owned(), payload.clone())));
    world.await_all(&[&engine]);
    let letters = reader::read_all(&world.topic("dlq"));
    let told: Vec<_> = letters
        .iter()
        .filter(|letter| letter.payload.as_ref().is_some_and(|payload| broken.contains(payload)))
        .map(|letter| (letter.header("error").unwrap(), letter.header("error_text").unwrap()))
        .collect();
    assert_eq!(letters.len(), letters_before + 2);
    assert_eq!((told[0].0, told[1].0), ("unknown_schema", "bad_avro"));
    assert!(told[0].1.contains("no schema has the id 9") && told[1].1.contains("schema 7"), "{told:?}");
    assert!(engine.terminate().success());
}
