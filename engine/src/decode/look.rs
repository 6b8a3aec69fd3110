//! What an unreadable record looks like, for whoever must find out where it came from. Only unreadable records are looked
//! at, so this may take its time.

use serde_json::{Map, Value};

use super::{BYTE_ORDER_MARK, columns::CsvColumns, mapping::Mapping, unreadable::Unreadable};

/// Keys of an object, or columns of a header, that are named.
const KEYS_NAMED_MAX: usize = 12;
/// Characters of a text of the record that are shown.
const SHOWN_CHARS_MAX: usize = 60;
/// Larger records are described by their first bytes.
const PARSED_BYTES_MAX: usize = 64 * 1_024;

/// Why a record cannot be read, and what it looks like where that says more.
pub fn explain(reason: Unreadable, record: &[u8]) -> String {
    match reason {
        Unreadable::VenueError => match venue_message(record) {
            Some(message) => format!("{reason}: {message}"),
            None => reason.to_string(),
        },
        Unreadable::UnknownHeader => {
            let line = String::from_utf8_lossy(record);
            match CsvColumns::of_header(&line, &Mapping::default()) {
                Some(Err(error)) => error.to_string(),
                _ => reason.to_string(),
            }
        }
        Unreadable::NotJson
        | Unreadable::NotUtf8
        | Unreadable::NotAnObject
        | Unreadable::UnknownShape
        | Unreadable::MissingField { .. } => format!("{reason}; this one looks like {}", looks_like(record)),
        _ => match sender_of_record(record) {
            Some(sender) => format!("{reason}; this one is {sender}"),
            None => reason.to_string(),
        },
    }
}

/// Whose message a record is, where it is an object of a venue that is known by its signs.
fn sender_of_record(record: &[u8]) -> Option<String> {
    let record = record.strip_prefix(BYTE_ORDER_MARK).unwrap_or(record);
    if record.len() > PARSED_BYTES_MAX {
        return None;
    }
    sender_of(serde_json::from_slice::<Value>(record).ok()?.as_object()?)
}

/// What a record looks like, in a few words: its encoding, the venue whose message it is, or its keys.
pub fn looks_like(record: &[u8]) -> String {
    if let Some(packing) = packing_of(record) {
        return packing.to_owned();
    }
    match record {
        [] => return "nothing: it is empty".to_owned(),
        [0, a, b, c, d, _, ..] => {
            let schema = u32::from_be_bytes([*a, *b, *c, *d]);
            return format!(
                "a Schema Registry frame: byte 0 is 0, bytes 1 to 4 are the schema's id {schema}; name the \
                 schemas by source.schemas or source.schema_registry_url, or write plain JSON"
            );
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            return "UTF-16, by its byte order mark; write UTF-8".to_owned();
        }
        _ => {}
    }
    let record = record.strip_prefix(BYTE_ORDER_MARK).unwrap_or(record);
    if record.iter().take(64).filter(|&&byte| byte == 0).count() >= 8 {
        return "UTF-16 or binary data: it holds zero bytes".to_owned();
    }
    let Ok(text) = std::str::from_utf8(record) else {
        let bytes: Vec<String> = record.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        return format!("binary data that begins with the bytes {}", bytes.join(" "));
    };
    if text.len() > PARSED_BYTES_MAX {
        return format!("text of {} bytes that begins with {}", text.len(), shown(text));
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => object_looks_like(&object),
        Ok(Value::Array(array)) => array_looks_like(&array),
        Ok(_) => format!("the JSON value {}", shown(text)),
        Err(_) => text_looks_like(text),
    }
}

/// The kind of file whose first bytes these are, if it is none of text.
pub(crate) fn packing_of(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 9] = [
        (b"\x1f\x8b", "gzip-packed data"),
        (b"\x28\xb5\x2f\xfd", "Zstandard-packed data"),
        (b"BZh", "bzip2-packed data"),
        (b"\xfd7zXZ\0", "xz-packed data"),
        (b"PK\x03\x04", "a zip archive"),
        (b"PAR1", "a Parquet file"),
        (b"DBN", "Databento's DBN"),
        (b"Obj\x01", "an Avro file"),
        (b"ARROW1", "an Arrow file"),
    ];
    KINDS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|&(_, name)| name)
}

fn text_looks_like(text: &str) -> String {
    if let Some(at) = text.find(['{', '['])
        && at > 0
        && serde_json::from_str::<serde::de::IgnoredAny>(text[at..].trim_ascii()).is_ok()
    {
        return format!("JSON behind the text {}; write the JSON alone", shown(&text[..at]));
    }
    let trimmed = text.trim_ascii();
    if trimmed.starts_with(['{', '[']) {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
        if values.next().is_some_and(|first| first.is_ok()) {
            return format!("several JSON values in one record; write one a record: {}", shown(text));
        }
        return format!("JSON that is not whole, or goes on in the next line: {}", shown(text));
    }
    if trimmed.contains(',') && !trimmed.contains('"') {
        return format!("a line of csv, {}; name the file .csv", shown(text));
    }
    format!("the text {}", shown(text))
}

fn array_looks_like(array: &[Value]) -> String {
    let first = match array.first() {
        None => return "an empty JSON array".to_owned(),
        Some(Value::Object(object)) => format!("the first an object with {}", keys_of(object)),
        Some(Value::Array(_)) => "the first an array".to_owned(),
        Some(other) => format!("the first {}", shown(&other.to_string())),
    };
    format!("a JSON array of {} values, {first}; write one object a record", array.len())
}

fn object_looks_like(object: &Map<String, Value>) -> String {
    let keys = keys_of(object);
    let Some(sender) = sender_of(object) else {
        let lacks = match object.contains_key("price") {
            true => "",
            false => "; no `price`",
        };
        return format!("an object with {keys}{lacks}");
    };
    format!("{sender} (an object with {keys})")
}

/// Whose message an object is, by keys and values that only they write.
fn sender_of(object: &Map<String, Value>) -> Option<String> {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let has = |keys: &[&str]| keys.iter().all(|key| object.contains_key(*key));
    let of = |who: &str, kind: &str| {
        let article = if who.starts_with('O') { "an" } else { "a" };
        Some(format!("{article} {who} `{}` message", cut(kind)))
    };
    if let Some(inner) = object.get("payload").and_then(Value::as_object) {
        return sender_of(inner);
    }
    if has(&["before", "after", "op"]) {
        return Some("a Debezium change event".to_owned());
    }
    if has(&["specversion", "source"]) {
        return Some("a CloudEvents envelope around `data`".to_owned());
    }
    if let Some(topic) = text("topic").filter(|_| has(&["data"])) {
        let kind = topic.split('.').next().unwrap_or(topic);
        return if has(&["subject"]) { of("KuCoin", text("subject")?) } else { of("Bybit", kind) };
    }
    if let Some(stream) = text("stream").filter(|_| has(&["data"])) {
        return of("Binance combined stream", stream);
    }
    if let Some(event) = text("e").filter(|_| has(&["E"])) {
        return of("Binance", event);
    }
    if has(&["isBuyerMaker"]) || has(&["f", "l", "T"]) {
        return Some("a trade of a list of Binance's".to_owned());
    }
    if let Some(argument) = object.get("arg").and_then(Value::as_object) {
        return of("OKX", argument.get("channel").and_then(Value::as_str).unwrap_or("arg"));
    }
    if let Some(table) = text("table").filter(|_| has(&["action"])) {
        return of("BitMEX", table);
    }
    if has(&["jsonrpc"]) {
        let channel = object.get("params").and_then(|params| params.get("channel")).and_then(Value::as_str);
        return of("Deribit", channel.or(text("method")).unwrap_or("answer"));
    }
    if let Some(feed) = text("feed") {
        return of("Kraken Futures", feed);
    }
    if let Some(channel) = text("channel") {
        return match () {
            () if has(&["connection_id"]) || has(&["message_id"]) => of("dYdX", channel),
            () if has(&["data", "type"]) => of("Kraken", channel),
            () if has(&["data"]) => of("Hyperliquid", channel),
            () if has(&["event"]) => of("Bitstamp", channel),
            () if has(&["events"]) => of("Coinbase Advanced Trade", channel),
            () => None,
        };
    }
    None
}

/// What a venue's report of an error says.
fn venue_message(record: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(record.strip_prefix(BYTE_ORDER_MARK).unwrap_or(record)).ok()?;
    let value = value.get(0).cloned().unwrap_or(value);
    let inner = match value.get("payload").or(value.get("raw")) {
        Some(Value::String(text)) => serde_json::from_str(text).ok()?,
        Some(inner) => inner.clone(),
        None => value,
    };
    let mut parts = Vec::new();
    for place in [Some(&inner), inner.get("data"), inner.get("error")].into_iter().flatten() {
        let keys = ["message", "msg", "reason", "error", "errorMessage", "ret_msg", "retMsg"];
        let texts = keys.iter().filter_map(|key| place.get(key).and_then(Value::as_str));
        // Hyperliquid's message is the text itself; Kraken lists several.
        let listed = place.as_array().into_iter().flatten().filter_map(Value::as_str);
        parts.extend(texts.chain(listed).map(shown));
    }
    parts.extend(inner.get("data").and_then(Value::as_str).map(shown));
    parts.dedup();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn keys_of(object: &Map<String, Value>) -> String {
    if object.is_empty() {
        return "no keys".to_owned();
    }
    format!("the keys {}", list(object.keys().map(String::as_str), object.len()))
}

/// The first of `count` names, each on one line, and how many there are more.
pub(super) fn list<'a>(names: impl Iterator<Item = &'a str>, count: usize) -> String {
    let mut names: Vec<String> = names.take(KEYS_NAMED_MAX).map(cut).collect();
    if count > KEYS_NAMED_MAX {
        names.push(format!("{} more", count - KEYS_NAMED_MAX));
    }
    names.join(", ")
}

/// The first characters of a text in quotes, on one line.
fn shown(text: &str) -> String {
    format!("\"{}\"", cut(text.trim_ascii()))
}

/// The first characters of a text, without any that would break a line.
fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{DecodeOptions, Decoded, decode};

    #[track_caller]
    fn says(record: &[u8], expected: &str) {
        let reason = decode(record, &DecodeOptions::of_venue("v"), &mut Decoded::default()).unwrap_err();
        let text = explain(reason, record);
        assert!(text.contains(expected), "{text} should hold {expected:?}");
        assert!(text.chars().count() < 1_200, "{text}");
    }

    #[test]
    fn the_messages_of_venues_are_named() {
        says(
            br#"{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":{"T":1}}"#,
            "field `data` has the wrong JSON type; see the shape's documentation; this one is a Bybit `publicTrade`",
        );
        says(
            br#"{"topic":"/market/match:A-B","subject":"trade.l3match","data":{}}"#,
            "a KuCoin `trade.l3match`",
        );
        says(
            br#"{"e":"trade","E":123456789,"s":"BTCUSDT","p":"0.001","q":"100","T":123456785,"m":true}"#,
            "before 2009; write RFC 3339, or the seconds, milliseconds, microseconds or nanoseconds since 1970 with 10, 13, \
             16 or 19 digits; this one is a Binance `trade` message",
        );
        says(br#"{"e":"listenKeyExpired","E":123456789}"#, "a Binance `listenKeyExpired` message");
        says(br#"{"stream":"btcusdt@trade","data":{}}"#, "a Binance combined stream `btcusdt@trade`");
        says(br#"{"arg":{"channel":"account","uid":"1"},"data":[]}"#, "an OKX `account` message");
        says(
            br#"{"channel":"executions","type":"update","data":[{"symbol":"BTC/USD"}]}"#,
            "a Kraken `executions` message",
        );
        says(br#"{"channel":"userFills","data":[]}"#, "a Hyperliquid `userFills` message");
        says(
            br#"{"channel":"v4_trades","type":"channel_data","connection_id":"a","id":"BTC-USD","contents":{}}"#,
            "a dYdX `v4_trades` message",
        );
        says(br#"{"feed":"trade","product_id":"PI_XBTUSD","side":"sell","time":1612266317519,"qty":1,"price":34969.5}"#, "Kraken Futures");
        says(br#"{"schema":{},"payload":{"before":{},"after":null,"op":"d"}}"#, "a Debezium change event");
        says(br#"{"specversion":"1.0","type":"tick","source":"a"}"#, "CloudEvents");
    }

    #[test]
    fn what_a_venue_says_of_an_error_is_shown() {
        for (record, said) in [
            (
                r#"{"type":"error","message":"Failed to subscribe","reason":"no such product"}"#,
                "no such product",
            ),
            (
                r#"{"event":"bts:error","channel":"","data":{"code":4009,"message":"Bad request"}}"#,
                "Bad request",
            ),
            (r#"{"error":{"code":2,"msg":"Invalid request"},"id":1}"#, "Invalid request"),
            (r#"{"code":-1121,"msg":"Invalid symbol."}"#, "Invalid symbol."),
            (
                r#"{"error":"Currency pair not supported","method":"subscribe","success":false,"time_in":"x"}"#,
                "Currency pair",
            ),
            (r#"{"error":["EQuery:Unknown asset pair"]}"#, "Unknown asset pair"),
            (
                r#"{"success":false,"ret_msg":"error:handler not found","conn_id":"a","op":"subscribe"}"#,
                "handler not found",
            ),
            (r#"{"retCode":10001,"retMsg":"params error","result":{}}"#, "params error"),
            (
                r#"{"event":"error","code":"60012","msg":"Illegal request","connId":"a4d3ae55"}"#,
                "Illegal request",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{"message":"method not found","code":-32601}}"#,
                "method not found",
            ),
            (r#"{"status":400,"error":"Unknown table: trad","meta":{},"request":{}}"#, "Unknown table"),
            (r#"{"channel":"error","data":"Invalid subscription"}"#, "Invalid subscription"),
            (r#"[{"T":"error","code":405,"msg":"symbol limit exceeded"}]"#, "symbol limit"),
        ] {
            says(record.as_bytes(), "the venue reports an error");
            says(record.as_bytes(), said);
        }
    }

    #[test]
    fn what_is_no_message_is_described_by_its_bytes_or_keys() {
        says(
            b"\0\0\0\0\x07{\"price\":1}",
            "Schema Registry frame: byte 0 is 0, bytes 1 to 4 are the schema's id 7",
        );
        says(b"\xff\xfe{\0}\0", "UTF-16, by its byte order mark");
        says(b"PAR1\x15\x04", "a Parquet file");
        says(b"BTC-USD\t{\"price\":1}", "JSON behind the text \"BTC-USD\"");
        says(b"{\"price\":1}{\"price\":2}", "several JSON values");
        says(b"{", "goes on in the next line");
        says(b"[{\"T\":\"t\",\"p\":1}]", "a JSON array of 1 values, the first an object with the keys T, p");
        says(br#"{"topic":1,"ts":2,"data":3}"#, "an object with the keys");
        says(br#"{"topic":1,"ts":2,"data":3}"#, "no `price`");
        says(b"1577836800,7160,0.01", "name the file .csv");
        says(
            br#"{"type":"error","message":"authentication failure","reason":"no key"}"#,
            "authentication failure\", \"no key",
        );
        says(b"", "empty");
        says("{\"ä\":1,".repeat(9_000).as_bytes(), "bytes that begins with");
    }
}
