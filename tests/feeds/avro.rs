//! Avro as producers write it: files by fastavro, records by Confluent's serializer. Each is held to the same ticks as JSON.

use std::path::Path;

use engine::{
    intake::{RecordFormat, RecordReader, RecordRules},
    schemas::{SchemaSettings, Schemas},
};

use super::records::replayed;
use crate::support::python;

fn written(folder: &Path) {
    python::run("feeds/avro_producer.py", &[folder.as_os_str()], "feeds");
}

#[test]
fn an_avro_file_gives_the_ticks_of_its_objects_whatever_its_codec() {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path());
    let as_json = replayed(&directory.path().join("ticks.ndjson"));
    assert_eq!((as_json.code, as_json.out.lines().count()), (Some(0), 500), "{}", as_json.errors);
    for codec in ["null", "deflate", "zstandard"] {
        let done = replayed(&directory.path().join(format!("{codec}.avro")));
        assert_eq!(done.code, Some(0), "{codec}: {}", done.errors);
        assert_eq!(done.out, as_json.out, "{codec}");
    }
    let other = replayed(&directory.path().join("xz.avro"));
    assert_ne!(other.code, Some(0));
    let words = "an Avro file packed by \"xz\"; write it with the codec deflate, zstandard or null";
    assert!(other.errors.contains(words), "{}", other.errors);
}

#[test]
fn a_record_of_confluents_serializer_gives_the_tick_that_its_json_gives() {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path());
    let text = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    let files = directory.path().join("schemas").to_str().unwrap().to_owned();
    let schemas = Schemas::open(&SchemaSettings { files, ..SchemaSettings::default() }).unwrap();
    let (mut avro, mut json) =
        (RecordRules { schemas, ..RecordRules::default() }.reader(), RecordReader::default());
    let mut format = RecordFormat::json("nobody".to_owned());
    let (frames, lines) = (text("frames.txt"), text("ticks.ndjson"));
    let mut count = 0;
    for (frame, line) in frames.lines().zip(lines.lines()) {
        let byte = |i: usize| u8::from_str_radix(&frame[i..i + 2], 16).unwrap();
        let frame: Vec<u8> = (0..frame.len()).step_by(2).map(byte).collect();
        assert_eq!(&frame[..5], [0, 0, 1, 0x11, 0x71], "the frame of the schema 70001");
        avro.read(&frame, &mut format);
        json.read(line.as_bytes(), &mut format);
        assert_eq!((avro.outcome(), avro.decoded().ticks().len()), (json.outcome(), 1));
        assert!(avro.decoded().ticks().eq(json.decoded().ticks()), "{line}");
        count += 1;
    }
    assert_eq!(count, 500);
}
