//! A document in memory, parsed from JSON or UBJSON.
//!
//! It has its own parsers for three reasons: a decimal is converted directly to f32 where the library does so (by way
//! of f64 it would be rounded twice), one reader of a model serves both encodings, and sizes and depth are bounded
//! before memory is allocated.

pub(super) mod json;
pub(super) mod ubjson;

use std::borrow::Cow;

/// Most values of a document; a typed array counts as one.
pub(super) const VALUES_MAX: usize = 1 << 25;
/// Most nested arrays and objects.
pub(super) const NESTING_MAX: usize = 600;

/// A value. Numbers keep their written form.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Decimal(&'a str),
    Integer(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
    /// UBJSON's typed array: its element's marker and big-endian bytes.
    Packed(u8, &'a [u8]),
}

impl<'a> Value<'a> {
    /// The field of an object by its name.
    pub(super) fn field(&self, name: &str) -> Result<&Value<'a>, String> {
        self.optional(name).ok_or_else(|| format!("there is no {name:?}"))
    }

    /// An object's field; `None` if it has none of this name.
    pub(super) fn optional(&self, name: &str) -> Option<&Value<'a>> {
        match self {
            Self::Object(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text in an object's field.
    pub(super) fn text(&self, name: &str) -> Result<&str, String> {
        match self.field(name)? {
            Self::Text(text) => Ok(text),
            other => Err(format!("{name:?} is no text but {}", other.kind())),
        }
    }

    /// The field's integer; it may be written as text.
    pub(super) fn integer(&self, name: &str) -> Result<i64, String> {
        let value = self.field(name)?;
        value.as_integer().ok_or_else(|| format!("{name:?} is no integer but {}", value.kind()))
    }

    /// The elements of the array in an object's field.
    pub(super) fn array(&self, name: &str) -> Result<&[Value<'a>], String> {
        match self.field(name)? {
            Self::Array(elements) => Ok(elements),
            other => Err(format!("{name:?} is no array but {}", other.kind())),
        }
    }

    /// The field's elements as integers.
    pub(super) fn integers(&self, name: &str) -> Result<Vec<i64>, String> {
        self.numbers(name, Self::as_integer, |kind, bytes| match kind {
            b'd' | b'D' => None,
            _ => Some(packed_integer(kind, bytes)),
        })
    }

    /// The field's elements as f32, decimals rounded once.
    pub(super) fn singles(&self, name: &str) -> Result<Vec<f32>, String> {
        self.numbers(name, Self::as_single, |kind, bytes| Some(packed_float(kind, bytes) as f32))
    }

    /// The field's elements as f64.
    pub(super) fn doubles(&self, name: &str) -> Result<Vec<f64>, String> {
        self.numbers(name, Self::as_double, |kind, bytes| Some(packed_float(kind, bytes)))
    }

    fn numbers<T>(
        &self,
        name: &str,
        plain: impl Fn(&Self) -> Option<T>,
        packed: impl Fn(u8, &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, String> {
        let numbers = match self.field(name)? {
            Self::Array(elements) => elements.iter().map(plain).collect(),
            Self::Packed(kind, bytes) => {
                bytes.chunks_exact(width(*kind)).map(|element| packed(*kind, element)).collect()
            }
            _ => None,
        };
        numbers.ok_or_else(|| format!("{name:?} is no array of such numbers"))
    }

    /// The integer; it may be written as text.
    pub(super) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Decimal(text) => text.parse().ok(),
            Self::Text(text) => text.parse().ok(),
            Self::Integer(value) => Some(*value),
            Self::Bool(value) => Some(i64::from(*value)),
            _ => None,
        }
    }

    /// The number as an f32, a decimal rounded once.
    pub(super) fn as_single(&self) -> Option<f32> {
        match self {
            Self::Decimal(text) => text.parse().ok(),
            other => other.as_double().map(|value| value as f32),
        }
    }

    /// The number as an f64.
    pub(super) fn as_double(&self) -> Option<f64> {
        match self {
            Self::Decimal(text) => text.parse().ok(),
            Self::Integer(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether the array or object is empty.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Array(elements) => elements.is_empty(),
            Self::Object(fields) => fields.is_empty(),
            Self::Packed(_, bytes) => bytes.is_empty(),
            Self::Null => true,
            _ => false,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Decimal(_) | Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::Array(_) | Self::Packed(..) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// Bytes of a UBJSON number with this marker; 0 for no number.
fn width(marker: u8) -> usize {
    match marker {
        b'i' | b'U' => 1,
        b'I' => 2,
        b'l' | b'd' => 4,
        b'L' | b'D' => 8,
        _ => 0,
    }
}

/// A big-endian integer of 1, 2, 4 or 8 bytes.
fn packed_integer(marker: u8, bytes: &[u8]) -> i64 {
    if marker == b'U' {
        return i64::from(bytes[0]);
    }
    let first = i64::from(bytes[0] as i8);
    bytes[1..].iter().fold(first, |value, &byte| value << 8 | i64::from(byte))
}

/// A big-endian number of any marker.
fn packed_float(marker: u8, bytes: &[u8]) -> f64 {
    let bits = bytes.iter().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
    match marker {
        b'd' => f64::from(f32::from_bits(bits as u32)),
        b'D' => f64::from_bits(bits),
        _ => packed_integer(marker, bytes) as f64,
    }
}
