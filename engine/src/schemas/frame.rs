//! The frame of a Schema Registry: a zero, the schema's id in four bytes, the data.

use std::time::Duration;

use super::{Lookup, PATIENCE, Schemas};
use crate::{avro::Cursor, decode::Unreadable, limits::RECORD_BYTES_MAX};

/// How long a record waits for a schema that nobody asked for before; a registry that works answers by then.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// The schema's id and the data of a framed record.
fn framed(record: &[u8]) -> Option<(u32, &[u8])> {
    let [0, a, b, c, d, data @ ..] = record else { return None };
    // A registry's ids are Java's ints.
    let id = u32::from_be_bytes([*a, *b, *c, *d]);
    (id <= i32::MAX as u32).then_some((id, data))
}

/// Turns framed Avro into JSON text. Any other record stays as it is: framed JSON is read by
/// [`decode`](mod@crate::decode).
#[derive(Debug, Default)]
pub struct Unframer {
    schemas: Schemas,
    text: String,
    /// Whether the newest record became `text`.
    is_text: bool,
    /// Whether the registry was waited for in vain.
    has_waited: bool,
}

impl Unframer {
    /// An unframer that looks in these schemas.
    pub fn new(schemas: Schemas) -> Self {
        Self { schemas, ..Self::default() }
    }

    /// Whether [`json`](Self::json) would return without a wait. A schema that nobody asked for before is waited for
    /// here, for less than a second.
    ///
    /// # Errors
    /// The schema's id, if it is not known yet.
    pub fn is_ready(&self, record: &[u8]) -> Result<(), u32> {
        if self.schemas.is_empty() {
            return Ok(());
        }
        match framed(record) {
            Some((id, _)) if self.schemas.lookup_first(id, FIRST_WAIT) == Lookup::Unavailable => Err(id),
            _ => Ok(()),
        }
    }

    /// The error of the newest question to the registry, with its address; `None` once one was answered.
    pub fn trouble(&self) -> Option<String> {
        self.schemas.trouble()
    }

    /// The record as [`decode`](crate::decode::decode) reads it. If the registry does not answer, this waits once, for
    /// [`PATIENCE`].
    ///
    /// # Errors
    /// [`Unreadable`] if there is no such schema, or if the data is not of it.
    pub fn json<'a>(&'a mut self, record: &'a [u8]) -> Result<&'a [u8], Unreadable> {
        self.is_text = false;
        if self.schemas.is_empty() {
            return Ok(record);
        }
        let Some((id, data)) = framed(record) else { return Ok(record) };
        let is_json = matches!(data.trim_ascii_start().first(), Some(b'{' | b'['));
        let patience = if self.has_waited { Duration::ZERO } else { PATIENCE };
        match self.schemas.lookup_within(id, patience) {
            Lookup::Json => Ok(record),
            Lookup::Avro(schema) => {
                self.text.clear();
                let mut cursor = Cursor::new(data);
                if cursor.datum(&schema, RECORD_BYTES_MAX, &mut self.text).is_err() || cursor.left() > 0 {
                    return Err(Unreadable::BadAvro { id });
                }
                self.is_text = true;
                Ok(self.text.as_bytes())
            }
            Lookup::Unknown | Lookup::Unusable if is_json => Ok(record),
            Lookup::Unknown => Err(Unreadable::UnknownSchema { id }),
            Lookup::Unusable => Err(Unreadable::UnusableSchema { id }),
            Lookup::Unavailable => {
                self.has_waited = true;
                Err(Unreadable::SchemaUnavailable { id })
            }
        }
    }

    /// The newest record as it was read: its JSON text, if it was Avro.
    pub fn seen<'a>(&'a self, record: &'a [u8]) -> &'a [u8] {
        if self.is_text { self.text.as_bytes() } else { record }
    }
}
