//! A topic whose records are of nobody's shape, read by a mapping of their fields.

use super::{
    market::{PARTITIONS, Record, records},
    oracle::Logged,
    tools::{models, succeeds},
    world::{World, size},
};

/// The fields of the market's ticks, and where the foreign record has them.
const FIELDS: [(&str, &str); 8] = [
    ("timestamp", "when"),
    ("product_id", "what"),
    ("price", "last"),
    ("best_bid", "b"),
    ("best_ask", "a"),
    ("last_size", "qty"),
    ("side", "aggressor"),
    ("trade_id", "no"),
];
const COLUMNS: &str = "time=/trade/when,symbol=/trade/what,price=/trade/last,bid=/trade/b,ask=/trade/a,size=/trade/qty,\
                       side=/trade/aggressor,trade_id=/trade/no";

/// A tick of the market with other names, within an object; `None` for what has further fields.
fn foreign(payload: &str) -> Option<Vec<u8>> {
    let serde_json::Value::Object(tick) = serde_json::from_str(payload).ok()? else { return None };
    let has_all = FIELDS[..3].iter().all(|(name, _)| tick.contains_key(*name));
    let renamed = tick.iter().map(|(name, value)| {
        let (_, foreign) = FIELDS.iter().find(|(known, _)| known == name)?;
        Some(((*foreign).to_owned(), value.clone()))
    });
    let trade: serde_json::Map<_, _> = renamed.collect::<Option<_>>()?;
    has_all.then(|| serde_json::json!({"schema": 3, "trade": trade}).to_string().into_bytes())
}

#[test]
fn a_mapped_topic_gives_the_predictions_of_the_same_ticks_and_is_verified() {
    let world = World::new("mapping");
    let mut all: Vec<(Record, Vec<u8>)> = records(72, size(3_000, 30_000))
        .into_iter()
        .filter_map(|record| {
            let payload = foreign(record.payload.as_deref()?)?;
            Some((record, payload))
        })
        .collect();
    assert!(all.len() > 1_000, "{}", all.len());
    all.truncate(all.len() / 2 * 2);
    let engine = world.engine("a", &[("SOURCE__COLUMNS", COLUMNS)]);
    world.send(all.iter().map(|(record, payload)| (record.partition, record.key.clone(), payload.clone())));
    world.await_all(&[&engine]);

    let mut offsets = [0; PARTITIONS];
    let log: Vec<Logged> = all
        .iter()
        .map(|(record, _)| {
            let offset = &mut offsets[record.partition];
            *offset += 1;
            let payload = record.payload.clone().map(String::into_bytes);
            Logged { partition: record.partition as u32, offset: *offset - 1, payload }
        })
        .collect();
    world.check_against("a mapped topic", &log);

    // The tools read the topic by the same rules.
    let models = models();
    let models = models.path().to_str().unwrap();
    let verified = succeeds(&world, &["verify", "--models", models, "--json", "--columns", COLUMNS]).json();
    assert_eq!(verified["verified"], world.predictions().len());
    assert!(engine.terminate().success());
}
