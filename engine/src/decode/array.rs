//! Walks a JSON array element by element, without collecting it.

use std::fmt;

use serde::{
    Deserializer as _,
    de::{Error as _, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::unreadable::Unreadable;

/// Calls `each` with the raw JSON of every element of the array that `field` holds, until one call fails.
pub(super) fn for_each_element<'a>(
    json: &'a str,
    field: &'static str,
    each: impl FnMut(&'a str) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let mut failure = None;
    let visitor = Elements { each, failure: &mut failure };
    match serde_json::Deserializer::from_str(json).deserialize_seq(visitor) {
        Ok(()) => Ok(()),
        Err(_) => Err(failure.unwrap_or(Unreadable::WrongType { field })),
    }
}

struct Elements<'f, F> {
    each: F,
    failure: &'f mut Option<Unreadable>,
}

impl<'de, F: FnMut(&'de str) -> Result<(), Unreadable>> Visitor<'de> for Elements<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<(), A::Error> {
        while let Some(element) = array.next_element::<&'de RawValue>()? {
            if let Err(reason) = (self.each)(element.get()) {
                *self.failure = Some(reason);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}
