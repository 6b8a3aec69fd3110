//! The first difference between two values, and the hashes of recently compared predictions.

use std::collections::{HashMap, VecDeque};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::verify::At;

/// Characters of a value that a report shows.
const EXCERPT_CHARS: usize = 120;
/// Number of predictions among which a repeat is recognised.
const RECENT_MAX: usize = 200_000;

/// The fields of a JSON object in the order in which they are written.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// The first field, in the order of `due`, in which the two differ: its path, the value found and the value due.
pub(super) fn first_difference(found: &[u8], due: &[u8]) -> (String, String, String) {
    let whole = || ("(value)".to_owned(), excerpt(found), excerpt(due));
    let (Ok(found_fields), Ok(due_fields)) = (fields(found), fields(due)) else { return whole() };
    let Fields(found_fields) = found_fields;
    for (name, due_value) in &due_fields.0 {
        let found_value = found_fields.iter().find(|(found_name, _)| found_name == name);
        let Some((_, found_value)) = found_value else {
            return (name.clone(), "absent".to_owned(), excerpt(due_value.get().as_bytes()));
        };
        let (found_value, due_value) = (found_value.get().as_bytes(), due_value.get().as_bytes());
        if found_value == due_value {
            continue;
        }
        if found_value.first() == Some(&b'{') && due_value.first() == Some(&b'{') {
            let (inner, found, due) = first_difference(found_value, due_value);
            let path = if inner == "(value)" { name.clone() } else { format!("{name}.{inner}") };
            return (path, found, due);
        }
        return (name.clone(), excerpt(found_value), excerpt(due_value));
    }
    let is_due = |name: &String| due_fields.0.iter().any(|(due_name, _)| due_name == name);
    match found_fields.iter().find(|(name, _)| !is_due(name)) {
        Some((name, value)) => (name.clone(), excerpt(value.get().as_bytes()), "absent".to_owned()),
        // The same fields in another order or with other whitespace.
        None => whole(),
    }
}

fn fields(json: &[u8]) -> serde_json::Result<Fields> {
    serde_json::from_slice(json)
}

/// The beginning of bytes as text.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * EXCERPT_CHARS)]);
    let shortened: String = text.chars().take(EXCERPT_CHARS).collect();
    if shortened.len() < bytes.len() { format!("{shortened}…") } else { shortened }
}

/// The hashes of a compared prediction; see [`hash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) found: u64,
    /// Hash of the prediction that the tick gives; `None` if that is not known.
    pub(super) due: Option<u64>,
}

/// The hash of a prediction's key and value.
pub(super) fn hash(key: &[u8], value: &[u8]) -> u64 {
    xxh3_64_with_seed(value, xxh3_64(key))
}

/// The most recently compared predictions.
#[derive(Debug, Default)]
pub(super) struct Recent {
    compared: HashMap<At, Compared>,
    order: VecDeque<At>,
}

impl Recent {
    pub(super) fn put(&mut self, at: At, compared: Compared) {
        if self.compared.insert(at, compared).is_some() {
            return;
        }
        self.order.push_back(at);
        if self.order.len() > RECENT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.compared.remove(&oldest);
        }
    }

    pub(super) fn get(&self, at: At) -> Option<Compared> {
        self.compared.get(&at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(found: &str, due: &str) -> (String, String, String) {
        first_difference(found.as_bytes(), due.as_bytes())
    }

    #[test]
    fn the_field_that_differs_first_is_named_with_its_path() {
        let due = r#"{"a":1,"z":{"y":2,"b":"x"},"c":null}"#;
        let named =
            |field: &str, found: &str, due: &str| (field.to_owned(), found.to_owned(), due.to_owned());
        assert_eq!(at(r#"{"a":1,"z":{"y":3,"b":"q"},"c":7}"#, due), named("z.y", "3", "2"));
        assert_eq!(at(r#"{"a":1,"z":{"y":2},"c":null}"#, due), named("z.b", "absent", "\"x\""));
        assert_eq!(at(r#"{"a":1,"z":{"y":2,"b":"x"},"c":null,"d":5}"#, due), named("d", "5", "absent"));
        let other_order = r#"{"z":{"y":2,"b":"x"},"a":1,"c":null}"#;
        assert_eq!(at(other_order, due), named("(value)", other_order, due));
        assert_eq!(at("not json", due).0, "(value)");
        assert_eq!(at(r#"{"a":1,"z":[],"c":null}"#, due).0, "z");
    }

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        let long = "ä".repeat(1_000);
        assert_eq!(excerpt(long.as_bytes()).chars().count(), EXCERPT_CHARS + 1);
        assert_eq!(excerpt(b"short"), "short");
    }
}
