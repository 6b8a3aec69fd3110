//! Parses rows of features from JSON to the model's order, and names every fault.

mod csv;
mod reader;
mod table;

use std::{borrow::Cow, fmt};

use model::schema::FeatureName;
use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, MapAccess, Visitor},
};
use serde_json::value::RawValue;

pub(super) use self::{
    csv::read_csv,
    reader::{Reader, comparable},
    table::{read_columns, read_split},
};
use super::problem::Problem;
use crate::config::sections::{MissingPolicy, UnknownPolicy};

/// The model's features, and the policies for rows that lack or add some.
#[derive(Clone, Copy, Debug)]
pub struct RowRules<'a> {
    /// The model's features, in its order.
    pub features: &'a [FeatureName],
    /// Policy for features that a row lacks.
    pub missing: MissingPolicy,
    /// Policy for features that the model does not know.
    pub unknown: UnknownPolicy,
    /// Most rows.
    pub rows_max: usize,
    /// Whether the model compares f64; otherwise values are rounded to f32, and must be finite there.
    pub doubles: bool,
}

/// Parsed rows.
#[derive(Debug, Default)]
pub struct Rows {
    /// Row-major in the model's order, NaN = missing.
    pub values: Vec<f64>,
    /// Number of rows.
    pub count: usize,
    /// Missing features with the index of their row, if missing ones are allowed.
    pub missing: Vec<(usize, String)>,
}

/// Parses a list of objects, the value of `key`.
///
/// # Errors
/// 422 with every fault.
pub fn read_rows(key: &str, raw: &RawValue, rules: RowRules<'_>) -> Result<Rows, Problem> {
    let rows: Vec<&RawValue> = list(key, raw, "objects")?;
    check_count(key, rows.len(), rules.rows_max)?;
    let mut reader = Reader::new(rules);
    for (number, row) in rows.iter().enumerate() {
        read_row(&mut reader, key, Some(number), row);
    }
    reader.finish(rows.len())
}

/// Parses `"features"`: one row.
///
/// # Errors
/// 422 with every fault.
pub fn read_features(raw: &RawValue, rules: RowRules<'_>) -> Result<Rows, Problem> {
    let mut reader = Reader::new(rules);
    read_row(&mut reader, "features", None, raw);
    reader.finish(1)
}

/// The kind of a JSON value, for messages.
pub fn kind_of(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// Parses one row's object.
fn read_row(reader: &mut Reader<'_>, key: &str, number: Option<usize>, raw: &RawValue) {
    reader.begin(number);
    let read = Fields(reader).deserialize(&mut serde_json::Deserializer::from_str(raw.get()));
    if read.is_err() {
        return reader.fault(key, format!("is {}; send an object of feature: number", kind_of(raw.get())));
    }
    reader.end();
}

/// The items of a list.
fn list<'a, T: Deserialize<'a>>(key: &str, raw: &'a RawValue, items: &str) -> Result<Vec<T>, Problem> {
    serde_json::from_str(raw.get()).map_err(|_| {
        let kind = kind_of(raw.get());
        Problem::unprocessable("Invalid rows", format!("\"{key}\" is {kind}; send a list of {items}"))
    })
}

/// Checks that one request may have this many rows.
pub(super) fn check_count(key: &str, rows: usize, rows_max: usize) -> Result<(), Problem> {
    if rows == 0 {
        return Err(Problem::unprocessable("Empty rows", format!("\"{key}\" has no row; send at least one")));
    }
    if rows > rows_max {
        return Err(Problem::unprocessable(
            "Too many rows",
            format!("\"{key}\" has {rows} rows; send at most {rows_max} (predict.rows_max)"),
        ));
    }
    Ok(())
}

/// A feature's value; `None` for null, which means missing. JSON allows numbers that no float holds (1e999), so the
/// text is checked, not a decoder's result.
pub(super) fn number(json: &str, doubles: bool) -> Result<Option<f64>, String> {
    match json.as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'-' | b'0'..=b'9') => comparable(json.parse().unwrap_or(f64::INFINITY), doubles),
        _ => Err(format!("is {}; send a number", kind_of(json))),
    }
}

/// Visits one row's object.
struct Fields<'r, 'a>(&'r mut Reader<'a>);

impl<'de> DeserializeSeed<'de> for Fields<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of feature: number")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            let value: &RawValue = map.next_value()?;
            let value = number(value.get(), self.0.rules.doubles);
            self.0.take(&key, value);
        }
        Ok(())
    }
}

/// A key, borrowed unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn features() -> Vec<FeatureName> {
        vec![FeatureName::new("a", 1), FeatureName::new("b", 2), FeatureName::new("own@x", 0)]
    }

    fn read(json: &str, missing: MissingPolicy, unknown: UnknownPolicy) -> Result<Rows, Problem> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        read_rows(
            "rows",
            &raw,
            RowRules { features: &features(), missing, unknown, rows_max: 3, doubles: false },
        )
    }

    #[test]
    fn values_are_rounded_to_what_the_model_compares() {
        let raw: Box<RawValue> = serde_json::from_str(r#"[{"a":0.1,"b":1e300,"own@x":0}]"#).unwrap();
        let features = features();
        let (missing, unknown) = (MissingPolicy::Error, UnknownPolicy::Error);
        let rules = RowRules { features: &features, missing, unknown, rows_max: 3, doubles: true };
        assert_eq!(read_rows("rows", &raw, rules).unwrap().values, [0.1, 1e300, 0.0]);
        let refused = read_rows("rows", &raw, RowRules { doubles: false, ..rules }).unwrap_err();
        assert!(format!("{refused:?}").contains("b is not finite as a 32-bit float"), "{refused:?}");
        let raw: Box<RawValue> = serde_json::from_str(r#"[{"a":0.1,"b":2e308,"own@x":0}]"#).unwrap();
        let refused = read_rows("rows", &raw, rules).unwrap_err();
        assert!(format!("{refused:?}").contains("b is not finite as a 64-bit float"), "{refused:?}");
        let raw: Box<RawValue> = serde_json::from_str(r#"[{"a":0.1,"b":0,"own@x":0}]"#).unwrap();
        let rounded = read_rows("rows", &raw, RowRules { doubles: false, ..rules }).unwrap();
        assert_eq!(rounded.values[0], f64::from(0.1_f32));
    }

    #[test]
    fn any_order_and_either_spelling_gives_the_models_order() {
        let json = r#"[{"own@x":3,"b@2":2,"a":1},{"a@1":4,"\u0062":-5e0,"own@x":6}]"#;
        let rows = read(json, MissingPolicy::Error, UnknownPolicy::Error).unwrap();
        assert_eq!((rows.values, rows.count), (vec![1.0, 2.0, 3.0, 4.0, -5.0, 6.0], 2));
    }

    #[test]
    fn each_fault_is_named() {
        let json = r#"[{"a":1e999,"b":"x","c":1},{"a":1,"a@1":1,"b@1":1,"own@x":null}]"#;
        let problem = read(json, MissingPolicy::Error, UnknownPolicy::Error).unwrap_err();
        let text = format!("{problem:?}");
        for expected in [
            "a is not finite",
            "\"is a string; send a number\"",
            "field: \"c\"",
            "field: \"own@x\"",
            "is given twice",
            "field: \"b@1\"",
            "field: \"b@2\", message: \"is missing",
            "7 more",
        ] {
            assert!(text.contains(expected), "{expected} not in {text}");
        }
    }

    #[test]
    fn absent_ones_may_be_missing_values_and_unknown_ones_left_out() {
        let rows =
            read(r#"[{"a":1,"own@x":null,"c":2}]"#, MissingPolicy::Nan, UnknownPolicy::Ignore).unwrap();
        assert!(rows.values[0] == 1.0 && rows.values[1].is_nan() && rows.values[2].is_nan());
        assert_eq!(rows.missing, [(0, "b@2".to_owned()), (0, "own@x".to_owned())]);
    }
}
