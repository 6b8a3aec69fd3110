//! Avro: a schema, a zero, and data.

use engine::{
    avro::Schema,
    decode::{DecodeOptions, Decoded, Unreadable, decode},
};

const TEXT_BYTES_MAX: usize = 100_000;

/// Reads the data by the schema.
///
/// # Panics
/// If the text of what was accepted is not JSON, or far longer than it may be.
pub fn survive(bytes: &[u8]) {
    let Some(at) = bytes.iter().position(|&byte| byte == 0) else { return };
    let (text, data) = (&bytes[..at], &bytes[at + 1..]);
    let Ok(schema) =
        std::str::from_utf8(text).map_err(drop).and_then(|text| Schema::parse(text).map_err(drop))
    else {
        return;
    };
    let Ok(text) = schema.json(data, TEXT_BYTES_MAX) else { return };
    assert!(text.len() <= TEXT_BYTES_MAX + 6 * data.len() + 1_000);
    let read = decode(text.as_bytes(), &DecodeOptions::of_venue("coinbase"), &mut Decoded::default());
    assert!(!matches!(read, Err(Unreadable::NotJson | Unreadable::NotUtf8)), "{text}");
}
