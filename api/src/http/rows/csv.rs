//! Parses comma-separated values with a header line.

use hyper::StatusCode;

use super::{Reader, RowRules, Rows, check_count, comparable};
use crate::http::problem::Problem;

/// The spellings of a missing value that pandas writes and reads.
const MISSING: [&str; 5] = ["", "NaN", "nan", "NA", "null"];

/// Parses a table.
///
/// # Errors
/// 400 for invalid CSV, 422 with every fault.
pub(in crate::http) fn read_csv(bytes: &[u8], rules: RowRules<'_>) -> Result<Rows, Problem> {
    let not_csv = |error: csv::Error| {
        let detail = format!("the body is not CSV: {error}");
        Problem::new(StatusCode::BAD_REQUEST, "Not CSV", detail)
    };
    let mut table = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let names = table.headers().map_err(not_csv)?.clone();
    if names.is_empty() {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "Not CSV",
            "the body is empty; send a line of names and a line of numbers for each row",
        ));
    }
    let (mut reader, places) = Reader::new(rules).columns(&names)?;
    let mut record = csv::StringRecord::new();
    let mut count = 0;
    while table.read_record(&mut record).map_err(not_csv)? {
        reader.begin(Some(count));
        count += 1;
        if count > rules.rows_max {
            check_count("csv", count, rules.rows_max)?;
        }
        if record.len() != names.len() {
            let (values, columns) = (record.len(), names.len());
            reader.fault("csv", format!("has {values} values for {columns} columns; send one each"));
            continue;
        }
        for ((text, place), name) in record.iter().zip(&places).zip(&names) {
            if let Some(place) = *place {
                reader.put(place, name, number(text.trim(), rules.doubles));
            }
        }
        reader.end();
    }
    check_count("csv", count, rules.rows_max)?;
    reader.finish(count)
}

fn number(text: &str, doubles: bool) -> Result<Option<f64>, String> {
    if MISSING.contains(&text) {
        return Ok(None);
    }
    match text.parse() {
        Ok(value) => comparable(value, doubles),
        Err(_) => Err("is not a number; send one".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use model::schema::FeatureName;

    use super::*;
    use crate::config::sections::{MissingPolicy, UnknownPolicy};

    fn read(text: &str, missing: MissingPolicy) -> Result<Rows, Problem> {
        let features = [FeatureName::new("a", 1), FeatureName::new("b", 2)];
        let unknown = UnknownPolicy::Error;
        read_csv(
            text.as_bytes(),
            RowRules { features: &features, missing, unknown, rows_max: 3, doubles: false },
        )
    }

    #[test]
    fn a_table_gives_the_models_order() {
        let rows = read("b,\"a@1\"\r\n2, 1\n4e0,-3\n", MissingPolicy::Error).unwrap();
        assert_eq!((rows.values, rows.count), (vec![1.0, 2.0, -3.0, 4.0], 2));
    }

    #[test]
    fn an_empty_field_is_a_missing_value() {
        let rows = read("a,b\n1,\nnan,2\n", MissingPolicy::Nan).unwrap();
        assert_eq!(rows.missing, [(0, "b@2".to_owned()), (1, "a@1".to_owned())]);
        let refused = format!("{:?}", read("a,b\n1,\n", MissingPolicy::Error).unwrap_err());
        assert!(refused.contains("row 0: b@2 is missing"), "{refused}");
    }

    #[test]
    fn each_fault_is_named() {
        for (text, word) in [
            ("", "is empty"),
            ("a,b\n", "has no row"),
            ("a\n1\n", "b@2 is missing"),
            ("a,b,c\n1,2,3\n", "c is not a feature"),
            ("a,b\n1,2\n1\n", "row 1: csv has 1 values for 2 columns"),
            ("a,b\nx,2\n", "row 0: a is not a number"),
            ("a,b\ninf,2\n", "row 0: a is not finite"),
            ("a,b\n1,2\n1,2\n1,2\n1,2\n", "4 rows; send at most 3"),
        ] {
            let refused = format!("{:?}", read(text, MissingPolicy::Error).unwrap_err());
            assert!(refused.contains(word), "{word} is not in {refused}");
        }
        let features = [FeatureName::new("a", 1)];
        let (missing, unknown) = (MissingPolicy::Error, UnknownPolicy::Error);
        let rules = RowRules { features: &features, missing, unknown, rows_max: 3, doubles: false };
        assert_eq!(read_csv(b"a\n\xff\n", rules).unwrap_err().status(), 400);
    }
}
