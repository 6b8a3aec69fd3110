//! Which column or key of a record holds what, as a user says it: `time=T,price=p` for columns, `time=/data/T,price=/data/p` for
//! JSON.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::columns::Role;

/// The place of each field of a tick that a user has named. Empty where the records tell by themselves.
///
/// A place is a column's name or its number from 1, or in JSON a pointer (RFC 6901), `/data/T`. `*` in a pointer stands for
/// every element of a list, each of which gives a tick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    places: Vec<(Role, String)>,
}

/// The fields that can be mapped.
const FIELDS: [Role; 12] = [
    Role::Time,
    Role::Price,
    Role::Size,
    Role::Side,
    Role::BuyerIsMaker,
    Role::Bid,
    Role::Ask,
    Role::BidSize,
    Role::AskSize,
    Role::Product,
    Role::Venue,
    Role::TradeId,
];

/// The reason for which a text is no mapping.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not `field=place`.
    #[error("{0:?} is not FIELD=PLACE; write such as time=T,price=p or time=/data/T,price=/data/p")]
    NoPlace(String),
    /// No field of this name.
    #[error("{field:?} is no field of a tick; the fields are {}", fields())]
    UnknownField {
        /// As it was written.
        field: String,
    },
    /// A field that has two places.
    #[error("the field {0} is mapped twice; map it once")]
    Repeated(&'static str),
    /// Pointers and columns in one mapping.
    #[error(
        "{column:?} is a column and {pointer:?} a pointer into JSON; write columns for csv and parquet, or pointers for JSON"
    )]
    Mixed {
        /// The first column.
        column: String,
        /// The first pointer.
        pointer: String,
    },
    /// A mapping into JSON must name everything, because there is no header beside it.
    #[error("the mapping of JSON lacks {0}; add {0}=/POINTER")]
    Lacks(&'static str),
    /// `*` at different places.
    #[error("{0:?} and {1:?} go through different lists; all places with * must be in one list")]
    TwoLists(String, String),
}

fn fields() -> String {
    FIELDS.map(Role::name).join(", ")
}

impl Mapping {
    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether the places are pointers into JSON.
    pub fn is_of_json(&self) -> bool {
        self.places.first().is_some_and(|(_, place)| place.starts_with('/'))
    }

    /// Whether this field is mapped.
    pub(super) fn has(&self, role: Role) -> bool {
        self.places.iter().any(|(of, _)| *of == role)
    }

    /// Each mapped field and its place.
    pub(super) fn places(&self) -> impl Iterator<Item = (Role, &str)> {
        self.places.iter().map(|(role, place)| (*role, place.as_str()))
    }

    fn check(&self) -> Result<(), MappingError> {
        let pointers = || self.places.iter().map(|(_, place)| place).filter(|place| place.starts_with('/'));
        let Some(pointer) = pointers().next() else { return Ok(()) };
        if let Some((_, column)) = self.places.iter().find(|(_, place)| !place.starts_with('/')) {
            return Err(MappingError::Mixed { column: column.clone(), pointer: pointer.clone() });
        }
        if !self.has(Role::Time) {
            return Err(MappingError::Lacks("time"));
        }
        let is_quoted = self.has(Role::Bid) && self.has(Role::Ask);
        if !self.has(Role::Price) && !is_quoted {
            return Err(MappingError::Lacks("price"));
        }
        let lists = || pointers().filter_map(|place| Some((place, list_of(place)?)));
        let first = lists().next();
        match first.and_then(|(place, list)| Some((place, lists().find(|(_, other)| *other != list)?))) {
            Some((place, (other, _))) => Err(MappingError::TwoLists(place.clone(), other.clone())),
            None => Ok(()),
        }
    }
}

/// The pointer to the list whose elements a pointer goes through.
pub(super) fn list_of(pointer: &str) -> Option<&str> {
    let at = pointer.split('/').position(|part| part == "*")?;
    let end = pointer.match_indices('/').nth(at - 1).map(|(end, _)| end)?;
    Some(&pointer[..end])
}

impl FromStr for Mapping {
    type Err = MappingError;

    fn from_str(text: &str) -> Result<Self, MappingError> {
        let mut mapping = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let split = part.split_once('=').filter(|(_, place)| !place.trim().is_empty());
            let Some((field, place)) = split else { return Err(MappingError::NoPlace(part.to_owned())) };
            let field = field.trim();
            let role = FIELDS.into_iter().find(|role| role.name() == field);
            let role = role.ok_or_else(|| MappingError::UnknownField { field: field.to_owned() })?;
            if mapping.has(role) {
                return Err(MappingError::Repeated(role.name()));
            }
            mapping.places.push((role, place.trim().to_owned()));
        }
        mapping.check()?;
        Ok(mapping)
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (role, place)) in self.places.iter().enumerate() {
            write!(f, "{}{}={place}", if i == 0 { "" } else { "," }, role.name())?;
        }
        Ok(())
    }
}

impl Serialize for Mapping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mapping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_written_as_it_is_read() {
        for text in
            ["", "time=1,price=4", "time=/data/T,price=/data/p", "time=/ts,price=/data/*/p,symbol=/data/*/s"]
        {
            assert_eq!(text.parse::<Mapping>().unwrap().to_string(), text);
        }
        let spaced: Mapping = " time = Open time , price=last ".parse().unwrap();
        assert_eq!(spaced.to_string(), "time=Open time,price=last");
    }

    #[test]
    fn a_bad_mapping_names_the_field_and_the_fix() {
        for (text, said) in [
            ("time", "\"time\" is not FIELD=PLACE"),
            ("time=", "is not FIELD=PLACE"),
            ("cost=1", "\"cost\" is no field of a tick; the fields are time, price, size, side"),
            ("time=1,time=2", "time is mapped twice"),
            ("time=T,price=/p", "\"T\" is a column and \"/p\" a pointer"),
            ("price=/p", "add time=/POINTER"),
            ("time=/t,bid=/b", "add price=/POINTER"),
            ("time=/a/*/t,price=/b/*/p", "different lists"),
        ] {
            let error = text.parse::<Mapping>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        assert_eq!(list_of("/data/*/p"), Some("/data"));
        assert_eq!((list_of("/*/p"), list_of("/data/p")), (Some(""), None));
    }
}
