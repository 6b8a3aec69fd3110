//! Every line of the log is one JSON object, in which no key stands twice.

use std::{collections::BTreeSet, fmt, net::TcpListener};

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::support::{client::HANG, process::Process};

/// Any JSON, refused where an object has a key twice.
struct UniqueKeys;

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = UniqueKeys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueKeys, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, _)) = map.next_entry::<String, UniqueKeys>()? {
            if !keys.insert(key.clone()) {
                return Err(A::Error::custom(format!("the key {key:?} stands twice")));
            }
        }
        Ok(UniqueKeys)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<UniqueKeys, A::Error> {
        while items.next_element::<UniqueKeys>()?.is_some() {}
        Ok(UniqueKeys)
    }
    fn visit_bool<E>(self, _: bool) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }
    fn visit_i64<E>(self, _: i64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }
    fn visit_u64<E>(self, _: u64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }
    fn visit_f64<E>(self, _: f64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }
    fn visit_str<E>(self, _: &str) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }
    fn visit_unit<E>(self) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }
}

/// Reads every line, and gives the objects.
fn read(lines: &[String]) -> Vec<serde_json::Value> {
    let check = |line: &String| {
        serde_json::from_str::<UniqueKeys>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        serde_json::from_str(line).unwrap()
    };
    lines.iter().map(check).collect()
}

#[test]
fn the_reader_refuses_what_it_is_for() {
    assert!(serde_json::from_str::<UniqueKeys>(r#"{"a":1,"b":{"a":[{"c":1}]}}"#).is_ok());
    let twice = serde_json::from_str::<UniqueKeys>(r#"{"a":{"message":1,"message":2}}"#).err().unwrap();
    assert!(twice.to_string().contains("\"message\" stands twice"), "{twice}");
}

#[test]
fn no_line_of_a_service_has_a_key_twice() {
    let service = Process::serve(&["--source", "simulator"], |command| {
        command.env("STORMGLASS__LOG__LEVEL", "debug").env("STORMGLASS__SERVER__ADMIN_TOKEN", "a-token");
    });
    service.get_until("/readyz", HANG, |status, _| status == 200);
    service.get("/predict/NO-SUCH");
    let lines = read(&service.log_lines());
    assert!(lines.iter().any(|line| line["message"] == "serving HTTP"), "{lines:#?}");
}

#[cfg(feature = "kafka")]
#[test]
fn no_line_has_a_key_twice_when_the_kafka_client_speaks() {
    // A port at which nobody answers: the client library says so in words of its own.
    let broker = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let service = Process::serve(&["--source", "kafka"], |command| {
        command.env("KAFKA_BOOTSTRAP_SERVERS", broker).env("STORMGLASS__LOG__LEVEL", "debug");
    });
    let begun = std::time::Instant::now();
    let mut lines = Vec::new();
    let spoken = |lines: &[serde_json::Value]| lines.iter().any(|line| line["message"] == "librdkafka");
    while !spoken(&lines) {
        assert!(begun.elapsed() < HANG, "the client library said nothing: {lines:#?}");
        lines.extend(read(&service.log_lines()));
        std::thread::yield_now();
    }
    let line = lines.iter().find(|line| line["message"] == "librdkafka").unwrap();
    assert!(line["text"].as_str().unwrap().contains("127.0.0.1"), "{line}");
    assert!(line["facility"].is_string(), "{line}");
}
