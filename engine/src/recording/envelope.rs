//! Writes a record as one JSON line, and reads it back.
//!
//! `{"topic":"ticks.raw","partitions":12,"partition":3,"offset":17,"timestamp_ms":1775337223291,"key":"BTC-USD",
//! "headers":[{"name":"src","value":"…"}],"raw":"{…}"}`. Bytes that are not UTF-8 are under `key_base64`,
//! `value_base64` and `raw_base64` instead; a part that the record lacks is left out.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::LogRecord;

/// Longest accepted line in bytes, far above what a broker accepts as one record.
pub const LINE_BYTES_MAX: usize = 64 << 20;

/// A record of a topic, as one line of a recording holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The topic it was read from.
    pub topic: String,
    /// Partition count of the topic.
    pub partitions: u32,
    /// The record.
    pub record: LogRecord,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    partitions: u32,
    partition: u32,
    offset: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_base64: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<HeaderLine<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw_base64: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct HeaderLine<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

/// The position of a line's record, without decoding the rest.
#[derive(Debug, Deserialize)]
pub(super) struct Place {
    pub(super) topic: String,
    pub(super) partitions: u32,
    pub(super) partition: u32,
    pub(super) offset: u64,
}

/// Appends the line of a record, with its line end.
pub fn write(topic: &str, partitions: u32, record: &LogRecord, out: &mut Vec<u8>) {
    let (key, key_base64) = text_or_base64(record.key.as_deref());
    let (raw, raw_base64) = text_or_base64(record.value.as_deref());
    let header = |(name, value): &'_ (String, Option<Vec<u8>>)| {
        let (value, value_base64) = text_or_base64(value.as_deref());
        HeaderLine {
            name: Cow::Owned(name.clone()),
            value: value.map(|v| Cow::Owned(v.into_owned())),
            value_base64,
        }
    };
    let line = Line {
        topic: Cow::Borrowed(topic),
        partitions,
        partition: record.partition,
        offset: record.offset,
        timestamp_ms: record.timestamp_ms,
        key,
        key_base64,
        headers: record.headers.iter().map(header).collect(),
        raw,
        raw_base64,
    };
    serde_json::to_writer(&mut *out, &line).expect("an envelope is a structure, which JSON can hold");
    out.push(b'\n');
}

/// Parses a line.
///
/// # Errors
/// A sentence that says what is wrong with the line.
pub fn read(line: &[u8]) -> Result<Envelope, String> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let mut headers = Vec::with_capacity(line.headers.len());
    for header in line.headers {
        headers.push((header.name.into_owned(), bytes(header.value, header.value_base64, "value_base64")?));
    }
    let record = LogRecord {
        partition: line.partition,
        offset: line.offset,
        timestamp_ms: line.timestamp_ms,
        key: bytes(line.key, line.key_base64, "key_base64")?,
        value: bytes(line.raw, line.raw_base64, "raw_base64")?,
        headers,
    };
    if record.partition >= line.partitions {
        return Err(format!("`partition` is {} of `partitions` {}", record.partition, line.partitions));
    }
    Ok(Envelope { topic: line.topic.into_owned(), partitions: line.partitions, record })
}

fn text_or_base64(bytes: Option<&[u8]>) -> (Option<Cow<'_, str>>, Option<String>) {
    match bytes.map(|bytes| std::str::from_utf8(bytes).map_err(|_| bytes)) {
        None => (None, None),
        Some(Ok(text)) => (Some(Cow::Borrowed(text)), None),
        Some(Err(bytes)) => (None, Some(STANDARD.encode(bytes))),
    }
}

fn bytes(
    text: Option<Cow<'_, str>>,
    base64: Option<String>,
    field: &'static str,
) -> Result<Option<Vec<u8>>, String> {
    match (text, base64) {
        (Some(text), None) => Ok(Some(text.into_owned().into_bytes())),
        (None, None) => Ok(None),
        (None, Some(base64)) => {
            STANDARD.decode(base64).map(Some).map_err(|error| format!("`{field}` is not base64: {error}"))
        }
        (Some(_), Some(_)) => Err(format!("`{field}` stands beside its text; one of them is due")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::{DecodeOptions, Decoded, decode};

    fn round_trip(record: &LogRecord) -> Envelope {
        let mut line = Vec::new();
        write("ticks.raw", 12, record, &mut line);
        assert_eq!(line.iter().filter(|&&byte| byte == b'\n').count(), 1, "one line");
        read(line.trim_ascii_end()).unwrap()
    }

    proptest! {
        #[test]
        fn every_record_is_read_back_as_it_was(
            offset: u64,
            timestamp_ms: Option<i64>,
            key: Option<Vec<u8>>,
            value: Option<Vec<u8>>,
            text in ".*",
            headers: Vec<(String, Option<Vec<u8>>)>,
        ) {
            let record = LogRecord { partition: 11, offset, timestamp_ms, key, value, headers };
            prop_assert_eq!(&round_trip(&record).record, &record);
            let record = LogRecord { value: Some(text.into_bytes()), ..record };
            prop_assert_eq!(round_trip(&record).record, record);
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }

    #[test]
    fn whatever_reads_ticks_reads_the_line() {
        let value = br#"{"timestamp":"2026-04-04T21:13:43Z","product_id":"BTC-USD","price":"1.5"}"#;
        let record = LogRecord { value: Some(value.to_vec()), ..LogRecord::default() };
        let mut line = Vec::new();
        write("ticks.raw", 1, &record, &mut line);
        let mut decoded = Decoded::default();
        decode(&line, &DecodeOptions::of_venue("coinbase"), &mut decoded).unwrap();
        assert_eq!(decoded.ticks().next().unwrap().product, "BTC-USD");
    }

    #[test]
    fn what_is_no_envelope_says_what_is_wrong() {
        let told = |line: &str| read(line.as_bytes()).unwrap_err();
        assert!(told(r#"{"topic":"t","partitions":1,"partition":0}"#).contains("offset"));
        assert!(told(r#"{"topic":"t","partitions":1,"partition":1,"offset":0}"#).contains("`partition`"));
        let both = r#"{"topic":"t","partitions":1,"partition":0,"offset":0,"raw":"","raw_base64":""}"#;
        assert!(told(both).contains("raw_base64"));
    }
}
