//! What recorders, Kafka's tools and other systems put around a message: Connect's `{"schema", "payload"}`, CloudEvents,
//! Debezium's change of a row, `kcat -J`, a recorder's own object with `payload` or `raw`, and the frame of a schema registry
//! around JSON. `venue` beside the message is its venue, and `received`, when it came, is its time where it names none.

use std::borrow::Cow;

use super::{
    fields::{Fields, Key},
    json::Value,
    unreadable::Unreadable,
};

/// Bytes before the content in a schema registry's frame: a zero, and the number of the schema.
const FRAME_BYTES: usize = 5;

/// What an envelope holds.
pub(super) enum Content<'a> {
    /// JSON as text.
    Text(Cow<'a, str>),
    Value(Value<'a>),
}

/// A record without the frame of a schema registry, where that holds JSON.
pub(super) fn without_frame(record: &[u8]) -> &[u8] {
    match record {
        [0, ..] => match record.get(FRAME_BYTES..) {
            Some(content) if matches!(content.trim_ascii_start().first(), Some(b'{' | b'[')) => content,
            _ => record,
        },
        _ => record,
    }
}

/// What the envelope holds that has these fields; `None` if they are no envelope's.
pub(super) fn content_of<'a>(fields: &Fields<'a>) -> Result<Option<Content<'a>>, Unreadable> {
    let key = if fields.has(Key::Payload) {
        Key::Payload
    } else if fields.has(Key::SpecVersion) && fields.has(Key::Data) {
        Key::Data
    } else if fields.has(Key::After) && fields.has(Key::Operation) {
        Key::After
    } else {
        Key::Raw
    };
    let field = fields.get(key);
    match field.value {
        None => Ok(None),
        Some(value) if value.is_text() => Ok(Some(Content::Text(field.required_text()?))),
        // The tick of the system that this one replaces has its quantities in an object of this name.
        Some(value) if key == Key::Raw && (!value.is_object() || fields.has(Key::Time)) => Ok(None),
        Some(value) => Ok(Some(Content::Value(value))),
    }
}
