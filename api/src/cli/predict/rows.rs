//! The rows of a CSV, in a model's order of features.

use std::io::Read;

use csv::{Reader, ReaderBuilder, StringRecord, Trim};
use model::schema::FeatureName;

/// Rows, one after another.
pub(super) struct Rows<R> {
    reader: Reader<R>,
    record: StringRecord,
    /// The column of each feature.
    columns: Vec<usize>,
    row: Vec<f64>,
    by_position: bool,
}

impl<R: Read> Rows<R> {
    /// Reads the header and finds the features' columns.
    pub(super) fn open(input: R, features: &[FeatureName]) -> Result<Self, String> {
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(input);
        let header = reader.headers().map_err(|error| error.to_string())?;
        let place = |feature: &FeatureName| {
            let versioned = feature.to_string();
            header.iter().position(|name| name == feature.name || name == versioned)
        };
        let found: Vec<Option<usize>> = features.iter().map(place).collect();
        let by_position = found.iter().all(Option::is_none) && header.len() == features.len();
        let columns = if by_position {
            (0..features.len()).collect()
        } else {
            found.iter().flatten().copied().collect()
        };
        let rows = Self { columns, record: StringRecord::new(), row: Vec::new(), by_position, reader };
        if rows.columns.len() < features.len() {
            let absent = features.iter().zip(&found).filter(|(_, place)| place.is_none());
            let absent: Vec<String> = absent.map(|(feature, _)| feature.to_string()).collect();
            return Err(format!("it has no column {}", absent.join(", ")));
        }
        Ok(rows)
    }

    /// Whether no column has a feature's name.
    pub(super) fn by_position(&self) -> bool {
        self.by_position
    }

    /// The next row's values, one for each feature.
    pub(super) fn next_row(&mut self) -> Result<Option<&[f64]>, String> {
        if !self.reader.read_record(&mut self.record).map_err(|error| error.to_string())? {
            return Ok(None);
        }
        self.row.clear();
        for &column in &self.columns {
            let cell = self.record.get(column).unwrap_or_default();
            self.row.push(match cell {
                "" | "NA" => f64::NAN,
                cell => cell.parse().map_err(|_| {
                    let line = self.record.position().map_or(0, csv::Position::line);
                    format!("line {line}, column {}: {cell:?} is no number", column + 1)
                })?,
            });
        }
        Ok(Some(&self.row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features() -> Vec<FeatureName> {
        vec![FeatureName::new("a", 0), FeatureName::new("b", 2)]
    }

    #[test]
    fn columns_are_found_by_name_then_by_position() {
        let mut rows = Rows::open("b,x,a\n1,2,3\n,9,nan\n".as_bytes(), &features()).unwrap();
        assert!(!rows.by_position());
        assert_eq!(rows.next_row().unwrap().unwrap(), [3.0, 1.0]);
        assert!(rows.next_row().unwrap().unwrap().iter().all(|value| value.is_nan()));
        assert!(rows.next_row().unwrap().is_none());
        let mut rows = Rows::open("p,q\n1,2\n".as_bytes(), &features()).unwrap();
        assert!(rows.by_position());
        assert_eq!(rows.next_row().unwrap().unwrap(), [1.0, 2.0]);
    }

    #[test]
    fn what_is_missing_or_no_number_is_named() {
        let absent = Rows::open("a,c\n".as_bytes(), &features()).map(|_| ()).unwrap_err();
        assert_eq!(absent, "it has no column b@2");
        let mut rows = Rows::open("a,b@2\n1,two\n".as_bytes(), &features()).unwrap();
        assert!(rows.next_row().unwrap_err().contains("line 2, column 2: \"two\""));
    }
}
