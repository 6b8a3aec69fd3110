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

/// A tick of the market in our own shape, and the same with other names, within an object; `None` for what is no tick.
fn own_and_foreign(payload: &str) -> Option<[Vec<u8>; 2]> {
    let serde_json::Value::Object(mut tick) = serde_json::from_str(payload).ok()? else { return None };
    // Nobody can map what says that a change of the quote is no trade.
    tick.remove("type");
    let has_all = FIELDS[..3].iter().all(|(name, _)| tick.contains_key(*name));
    let renamed = tick.iter().map(|(name, value)| {
        let (_, foreign) = FIELDS.iter().find(|(known, _)| known == name)?;
        Some(((*foreign).to_owned(), value.clone()))
    });
    let trade: serde_json::Map<_, _> = renamed.collect::<Option<_>>()?;
    let foreign = serde_json::json!({"schema": 3, "trade": trade});
    has_all.then(|| [serde_json::Value::Object(tick), foreign].map(|value| value.to_string().into_bytes()))
}

#[test]
fn a_mapped_topic_gives_the_predictions_of_the_same_ticks_and_is_verified() {
    let world = World::new("mapping");
    let all: Vec<(Record, [Vec<u8>; 2])> = records(72, size(4_000, 40_000))
        .into_iter()
        .filter_map(|record| {
            let payloads = own_and_foreign(record.payload.as_deref()?)?;
            Some((record, payloads))
        })
        .collect();
    assert!(all.len() > 3_000, "{}", all.len());
    let engine = world.engine("a", &[("SOURCE__COLUMNS", COLUMNS)]);
    world.send(
        all.iter().map(|(record, [_, foreign])| (record.partition, record.key.clone(), foreign.clone())),
    );
    world.await_all(&[&engine]);

    let mut offsets = [0; PARTITIONS];
    let log: Vec<Logged> = all
        .iter()
        .map(|(record, [own, _])| {
            let offset = &mut offsets[record.partition];
            *offset += 1;
            let payload = Some(own.clone());
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
