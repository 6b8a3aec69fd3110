//! Parses tables whose columns are named once: rows of bare values, or one list for each column.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Key, Reader, RowRules, Rows, check_count, kind_of, list, number};
use crate::http::problem::Problem;

/// Parses `{"columns":[name,…],"data":[[value,…],…]}`, the parts of `key`.
///
/// # Errors
/// 422 with every fault.
pub(in crate::http) fn read_split(
    key: &str,
    columns: &RawValue,
    data: &RawValue,
    rules: RowRules<'_>,
) -> Result<Rows, Problem> {
    let names: Vec<Key<'_>> = list(&format!("{key}.columns"), columns, "names")?;
    let data_key = format!("{key}.data");
    let rows: Vec<&RawValue> = list(&data_key, data, "lists of numbers")?;
    check_count(&data_key, rows.len(), rules.rows_max)?;
    let (mut reader, places) = Reader::new(rules).columns(names.iter().map(|name| &*name.0))?;
    for (row_number, row) in rows.iter().enumerate() {
        reader.begin(Some(row_number));
        match serde_json::from_str::<Vec<&RawValue>>(row.get()) {
            Ok(cells) if cells.len() == names.len() => {
                for ((cell, place), name) in cells.iter().zip(&places).zip(&names) {
                    if let Some(place) = *place {
                        reader.put(place, &name.0, number(cell.get(), rules.doubles));
                    }
                }
                reader.end();
            }
            Ok(cells) => {
                let (values, columns) = (cells.len(), names.len());
                reader.fault(&data_key, format!("has {values} values for {columns} columns; send one each"));
            }
            Err(_) => {
                reader.fault(&data_key, format!("is {}; send a list of numbers", kind_of(row.get())));
            }
        }
    }
    reader.finish(rows.len())
}

/// Parses `{name:[value,…],…}`, the value of `key`.
///
/// # Errors
/// 422 with every fault.
pub(in crate::http) fn read_columns(key: &str, raw: &RawValue, rules: RowRules<'_>) -> Result<Rows, Problem> {
    let Ok(Pairs(pairs)) = serde_json::from_str(raw.get()) else {
        let kind = kind_of(raw.get());
        return Err(Problem::unprocessable(
            "Invalid columns",
            format!("\"{key}\" is {kind}; send an object of feature: list of numbers"),
        ));
    };
    let (mut reader, places) = Reader::new(rules).columns(pairs.iter().map(|(name, _)| &**name))?;
    let mut columns = Vec::with_capacity(pairs.len());
    let mut count = None;
    for (name, values) in &pairs {
        let values: Vec<&RawValue> = list(&format!("{key}.{name}"), values, "numbers")?;
        if count.is_some_and(|count| count != values.len()) {
            return Err(Problem::unprocessable(
                "Invalid columns",
                format!(
                    "\"{key}.{name}\" has another length than the columns before it; send one value a row"
                ),
            ));
        }
        check_count(&format!("{key}.{name}"), values.len(), rules.rows_max)?;
        count = Some(values.len());
        columns.push(values);
    }
    let count = count.unwrap_or(0);
    check_count(key, count, rules.rows_max)?;
    for row in 0..count {
        reader.begin(Some(row));
        for ((values, place), (name, _)) in columns.iter().zip(&places).zip(&pairs) {
            if let Some(place) = *place {
                reader.put(place, name, number(values[row].get(), rules.doubles));
            }
        }
        reader.end();
    }
    reader.finish(count)
}

/// An object's keys and values in their order, including repeated keys.
struct Pairs<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Walk;
        impl<'de> Visitor<'de> for Walk {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &RawValue>()? {
                    pairs.push((key, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Walk)
    }
}

#[cfg(test)]
mod tests {
    use model::schema::FeatureName;

    use super::*;
    use crate::config::sections::{MissingPolicy, UnknownPolicy};

    fn read(json: &str, missing: MissingPolicy, unknown: UnknownPolicy) -> Result<Rows, Problem> {
        let features = [FeatureName::new("a", 1), FeatureName::new("b", 2)];
        let rules = RowRules { features: &features, missing, unknown, rows_max: 3, doubles: false };
        #[derive(serde::Deserialize)]
        struct Split<'a> {
            #[serde(borrow)]
            columns: &'a RawValue,
            #[serde(borrow)]
            data: &'a RawValue,
        }
        match serde_json::from_str::<Split<'_>>(json) {
            Ok(split) => read_split("split", split.columns, split.data, rules),
            Err(_) => read_columns("inputs", serde_json::from_str(json).unwrap(), rules),
        }
    }

    #[test]
    fn columns_in_any_order_give_the_models_order() {
        for json in [r#"{"columns":["b","a@1"],"data":[[2,1],[4,3]]}"#, r#"{"b@2":[2,4],"a":[1,3]}"#] {
            let rows = read(json, MissingPolicy::Error, UnknownPolicy::Error).unwrap();
            assert_eq!((rows.values, rows.count), (vec![1.0, 2.0, 3.0, 4.0], 2), "{json}");
        }
    }

    #[test]
    fn each_fault_is_named() {
        for (json, words) in [
            (r#"{"columns":["a"],"data":[[1]]}"#, &["b@2 is missing"][..]),
            (r#"{"columns":["a","b","c"],"data":[[1,2,3]]}"#, &["c is not a feature"]),
            (r#"{"columns":["a","b","a@1"],"data":[[1,2,3]]}"#, &["a@1 is given twice"]),
            (
                r#"{"columns":["a","b"],"data":[[1,2],[1],7]}"#,
                &["row 1: split.data has 1 values", "row: Some(2)"],
            ),
            (
                r#"{"columns":["a","b"],"data":[[null,"x"]]}"#,
                &["b is a string", "a@1\", message: \"is missing"],
            ),
            (r#"{"columns":["a","b"],"data":[]}"#, &["\\\"split.data\\\" has no row"]),
            (r#"{"columns":["a","b"],"data":[[1,2],[1,2],[1,2],[1,2]]}"#, &["4 rows; send at most 3"]),
            (r#"{"columns":7,"data":[]}"#, &["split.columns\\\" is a number"]),
            (r#"{"a":[1],"b":[1,2]}"#, &["inputs.b\\\" has another length"]),
            (r#"{"a":[1],"b":[1],"b":[1]}"#, &["b is given twice"]),
            (r#"{"a":[1],"b":[1e999]}"#, &["b is not finite"]),
            (r#"{"a":1,"b":[1]}"#, &["inputs.a\\\" is a number"]),
            ("[[1,2]]", &["\\\"inputs\\\" is a list; send an object"]),
        ] {
            let refused =
                format!("{:?}", read(json, MissingPolicy::Error, UnknownPolicy::Error).unwrap_err());
            for word in words {
                assert!(refused.contains(word), "{word} is not in {refused}");
            }
        }
    }

    #[test]
    fn absent_columns_may_be_missing_values_and_unknown_ones_left_out() {
        for json in [r#"{"columns":["c","b"],"data":[["x",2],[7,null]]}"#, r#"{"c":["x",7],"b":[2,null]}"#] {
            let rows = read(json, MissingPolicy::Nan, UnknownPolicy::Ignore).unwrap();
            assert!(rows.values[0].is_nan() && rows.values[1] == 2.0 && rows.values[3].is_nan(), "{json}");
            let missing: Vec<_> = rows.missing.iter().map(|(row, name)| (*row, name.as_str())).collect();
            assert_eq!(missing, [(0, "a@1"), (1, "a@1"), (1, "b@2")], "{json}");
        }
    }
}
