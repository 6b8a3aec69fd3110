//! Rows of features: from JSON to the model's order, with every fault named.

use std::{borrow::Cow, fmt};

use model::schema::FeatureName;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::problem::{FAULTS_LISTED_MAX, FieldFault, Problem};
use crate::config::sections::{MissingPolicy, UnknownPolicy};

/// How rows are read.
#[derive(Clone, Copy, Debug)]
pub struct RowRules<'a> {
    /// The model's features, in its order.
    pub features: &'a [FeatureName],
    /// For features a row lacks.
    pub missing: MissingPolicy,
    /// For features the model does not know.
    pub unknown: UnknownPolicy,
    /// Rows at most.
    pub rows_max: usize,
    /// Whether the model compares f64; else values are rounded to f32, and must be finite there.
    pub doubles: bool,
}

/// Rows, ready to score.
#[derive(Debug, Default)]
pub struct Rows {
    /// Row-major in the model's order, NaN = missing.
    pub values: Vec<f64>,
    /// Number of rows.
    pub count: usize,
    /// Features that a row lacked, where that is allowed.
    pub missing: Vec<(usize, String)>,
}

/// Reads `"rows"`.
///
/// # Errors
/// 422 with every fault.
pub fn read_rows(raw: &RawValue, rules: RowRules<'_>) -> Result<Rows, Problem> {
    let Ok(rows) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
        return Err(Problem::unprocessable(
            "Invalid rows",
            format!("\"rows\" is {}; send a list of objects", kind_of(raw.get())),
        ));
    };
    if rows.is_empty() {
        return Err(Problem::unprocessable("Empty rows", "\"rows\" has no row; send at least one"));
    }
    if rows.len() > rules.rows_max {
        return Err(Problem::unprocessable(
            "Too many rows",
            format!("\"rows\" has {} rows; send at most {} (predict.rows_max)", rows.len(), rules.rows_max),
        ));
    }
    let mut reader = Reader::new(rules);
    for (number, row) in rows.iter().enumerate() {
        reader.read(Some(number), row);
    }
    reader.finish(rows.len())
}

/// Reads `"features"`: one row.
///
/// # Errors
/// 422 with every fault.
pub fn read_features(raw: &RawValue, rules: RowRules<'_>) -> Result<Rows, Problem> {
    let mut reader = Reader::new(rules);
    reader.read(None, raw);
    reader.finish(1)
}

/// What a JSON text is, for people.
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

struct Reader<'a> {
    rules: RowRules<'a>,
    rows: Rows,
    /// Which features the row at hand has had.
    seen: Vec<bool>,
    /// Where the next name is looked for first: rows tend to keep one order.
    hint: usize,
    row: Option<usize>,
    faults: Vec<FieldFault>,
    fault_count: usize,
}

impl<'a> Reader<'a> {
    fn new(rules: RowRules<'a>) -> Self {
        let seen = vec![false; rules.features.len()];
        Self { rules, rows: Rows::default(), seen, hint: 0, row: None, faults: Vec::new(), fault_count: 0 }
    }

    fn read(&mut self, number: Option<usize>, raw: &RawValue) {
        self.row = number;
        self.seen.fill(false);
        let start = self.rows.values.len();
        self.rows.values.resize(start + self.rules.features.len(), f64::NAN);
        let read =
            Fields { reader: self, start }.deserialize(&mut serde_json::Deserializer::from_str(raw.get()));
        if read.is_err() {
            let name = if number.is_some() { "rows" } else { "features" };
            let message = format!("is {}; send an object of feature: number", kind_of(raw.get()));
            return self.fault(name, message);
        }
        for index in 0..self.seen.len() {
            if self.seen[index] {
                continue;
            }
            match self.rules.missing {
                MissingPolicy::Error => {
                    let name = self.rules.features[index].to_string();
                    self.fault(&name, "is missing; send a number (or set predict.missing = \"nan\")");
                }
                MissingPolicy::Nan => {
                    self.rows.missing.push((number.unwrap_or(0), self.rules.features[index].to_string()));
                }
            }
        }
    }

    fn finish(mut self, count: usize) -> Result<Rows, Problem> {
        if self.fault_count == 0 {
            self.rows.count = count;
            return Ok(self.rows);
        }
        let first = &self.faults[0];
        let place = first.row.map(|row| format!("row {row}: ")).unwrap_or_default();
        let more = match self.fault_count {
            1 => String::new(),
            n => format!("; {} more under \"errors\"", n - 1),
        };
        let detail = format!("{place}{} {}{more}", first.field, first.message);
        Err(Problem::faults("Invalid features", detail, self.faults, self.fault_count))
    }

    fn fault(&mut self, field: &str, message: impl Into<Cow<'static, str>>) {
        self.fault_count += 1;
        if self.faults.len() < FAULTS_LISTED_MAX {
            self.faults.push(FieldFault { row: self.row, field: field.to_owned(), message: message.into() });
        }
    }

    /// The feature that `key` names, bare or with its version.
    fn find(&mut self, key: &str) -> Option<usize> {
        let (name, version) = match key.rsplit_once('@').map(|(name, version)| (name, version.parse::<u16>()))
        {
            Some((name, Ok(version))) => (name, Some(version)),
            _ => (key, None),
        };
        let is_it = |f: &FeatureName| {
            (f.name == name && version.is_none_or(|v| v == f.version)) || (f.version == 0 && f.name == key)
        };
        let count = self.rules.features.len();
        let found =
            (self.hint..count).chain(0..self.hint.min(count)).find(|&i| is_it(&self.rules.features[i]))?;
        self.hint = found + 1;
        Some(found)
    }

    fn take(&mut self, start: usize, key: &str, raw: &RawValue) {
        let Some(index) = self.find(key) else {
            if self.rules.unknown == UnknownPolicy::Error {
                self.fault(
                    key,
                    "is not a feature of the model; leave it out (or set predict.unknown = \"ignore\")",
                );
            }
            return;
        };
        if std::mem::replace(&mut self.seen[index], true) {
            return self.fault(key, "is given twice; send it once");
        }
        match number(raw.get(), self.rules.doubles) {
            Ok(Some(value)) => self.rows.values[start + index] = value,
            Ok(None) => self.seen[index] = false,
            Err(message) => self.fault(key, message),
        }
    }
}

/// A feature's value; `None` for null, which is a missing value. JSON allows numbers that no float holds (1e999),
/// so the text is judged, not what a decoder made of it.
fn number(json: &str, doubles: bool) -> Result<Option<f64>, String> {
    let rounded = |value: f64| if doubles { value } else { f64::from(value as f32) };
    match json.as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'-' | b'0'..=b'9') => match json.parse::<f64>().map(rounded) {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            _ if doubles => Err("is not finite as a 64-bit float; send a number within +-1.7e308".to_owned()),
            _ => Err("is not finite as a 32-bit float; send a number within +-3.4e38".to_owned()),
        },
        _ => Err(format!("is {}; send a number", kind_of(json))),
    }
}

/// Walks one row's object.
struct Fields<'r, 'a> {
    reader: &'r mut Reader<'a>,
    start: usize,
}

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
            self.reader.take(self.start, &key, value);
        }
        Ok(())
    }
}

/// A key, borrowed unless it has escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn features() -> Vec<FeatureName> {
        vec![FeatureName::new("a", 1), FeatureName::new("b", 2), FeatureName::new("own@x", 0)]
    }

    fn read(json: &str, missing: MissingPolicy, unknown: UnknownPolicy) -> Result<Rows, Problem> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        read_rows(&raw, RowRules { features: &features(), missing, unknown, rows_max: 3, doubles: false })
    }

    #[test]
    fn values_are_rounded_to_what_the_model_compares() {
        let raw: Box<RawValue> = serde_json::from_str(r#"[{"a":0.1,"b":1e300,"own@x":0}]"#).unwrap();
        let features = features();
        let (missing, unknown) = (MissingPolicy::Error, UnknownPolicy::Error);
        let rules = RowRules { features: &features, missing, unknown, rows_max: 3, doubles: true };
        assert_eq!(read_rows(&raw, rules).unwrap().values, [0.1, 1e300, 0.0]);
        let refused = read_rows(&raw, RowRules { doubles: false, ..rules }).unwrap_err();
        assert!(format!("{refused:?}").contains("b is not finite as a 32-bit float"), "{refused:?}");
        let raw: Box<RawValue> = serde_json::from_str(r#"[{"a":0.1,"b":2e308,"own@x":0}]"#).unwrap();
        let refused = read_rows(&raw, rules).unwrap_err();
        assert!(format!("{refused:?}").contains("b is not finite as a 64-bit float"), "{refused:?}");
        let raw: Box<RawValue> = serde_json::from_str(r#"[{"a":0.1,"b":0,"own@x":0}]"#).unwrap();
        let rounded = read_rows(&raw, RowRules { doubles: false, ..rules }).unwrap();
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
