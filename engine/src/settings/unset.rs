//! `#[serde(with = "unset")]`: an `Option` whose `None` is written as the type's default, `""` or `0`.
//!
//! A configuration file can then name every key, and an environment variable can clear one.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes the value, or the type's default for `None`.
///
/// # Errors
/// The serializer's.
pub fn serialize<T: Serialize + Default, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize(serializer),
        None => T::default().serialize(serializer),
    }
}

/// Reads the value; the type's default is `None`.
///
/// # Errors
/// The deserializer's.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de> + Default + PartialEq,
    D: Deserializer<'de>,
{
    let value = T::deserialize(deserializer)?;
    Ok((value != T::default()).then_some(value))
}
