//! Records that carry the number of a schema of a Schema Registry.

use std::{cell::RefCell, fs};

use engine::{
    decode::{DecodeOptions, Decoded, Unreadable, decode},
    limits::RECORD_BYTES_MAX,
    schemas::{SchemaSettings, Schemas, Unframer},
};

/// Schemas by their numbers, from 1: a tick, every kind of type, and a record that holds itself.
const SCHEMAS: [&str; 3] = [
    r#"{"type":"record","name":"Tick","fields":[
        {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-micros"}},
        {"name":"product_id","type":"string"},
        {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":20,"scale":8}},
        {"name":"best_bid","type":["null","double"]},
        {"name":"last_size","type":"float"},
        {"name":"side","type":{"type":"enum","name":"Side","symbols":["buy","sell"]}},
        {"name":"trade_id","type":"long"}]}"#,
    r#"{"type":"record","name":"All","fields":[
        {"name":"a","type":{"type":"array","items":["null","int","string",{"type":"map","values":"boolean"}]}},
        {"name":"b","type":{"type":"fixed","name":"Eight","size":8}},
        {"name":"c","type":{"type":"fixed","name":"Price","size":16,"logicalType":"decimal","precision":38,"scale":38}},
        {"name":"d","type":{"type":"long","logicalType":"timestamp-nanos"}},
        {"name":"e","type":{"type":"long","logicalType":"local-timestamp-millis"}},
        {"name":"f","type":{"type":"int","logicalType":"date"}},
        {"name":"g","type":{"type":"array","items":"null"}},
        {"name":"h","type":"bytes"}]}"#,
    r#"{"type":"record","name":"List","fields":[{"name":"next","type":["null","List"]},{"name":"price","type":"double"}]}"#,
];

thread_local! {
    static UNFRAMER: RefCell<Unframer> = RefCell::new(Unframer::new(schemas()));
}

fn schemas() -> Schemas {
    let folder = std::env::temp_dir().join(format!("stormglass-fuzz-schemas-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder can be made");
    for (i, schema) in SCHEMAS.iter().enumerate() {
        fs::write(folder.join(format!("{}.avsc", i + 1)), schema).expect("a schema can be written");
    }
    let files = folder.to_str().expect("a name of letters").to_owned();
    let schemas =
        Schemas::open(&SchemaSettings { files, ..SchemaSettings::default() }).expect("schemas are read");
    fs::remove_dir_all(folder).expect("the folder is ours");
    schemas
}

/// Unframes a record and decodes it: as it is, and as the data of each schema.
///
/// # Panics
/// If the text of a frame is not JSON or too long.
pub fn survive(record: &[u8]) {
    unframe(record);
    for id in 1..=SCHEMAS.len() as u8 {
        unframe(&[&[0, 0, 0, 0, id], record].concat());
    }
}

fn unframe(record: &[u8]) {
    UNFRAMER.with_borrow_mut(|unframer| {
        let Ok(text) = unframer.json(record) else { return };
        let is_unframed = !std::ptr::eq(text, record);
        assert!(text.len() <= RECORD_BYTES_MAX + 6 * record.len() + 1_000, "{} bytes", text.len());
        let mut decoded = Decoded::default();
        let read = decode(text, &DecodeOptions::of_venue("coinbase"), &mut decoded);
        let is_json = !matches!(read, Err(Unreadable::NotJson | Unreadable::NotUtf8));
        assert!(is_json || !is_unframed, "{}", String::from_utf8_lossy(text));
        assert!(decoded.ticks().all(|decoded| decoded.tick.price.units() > 0));
    });
}
