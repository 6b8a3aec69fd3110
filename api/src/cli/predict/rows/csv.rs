//! The rows of a CSV with a header.

use std::io::Read;

use csv::{Position, Reader, ReaderBuilder, StringRecord, Trim};
use model::schema::FeatureName;

use super::{Columns, Row, Rows, Source};

struct Csv<R> {
    reader: Reader<R>,
    record: StringRecord,
    columns: Columns,
}

/// Reads the header and finds the columns.
pub(super) fn open(input: impl Read + 'static, features: &[FeatureName]) -> Result<Rows, String> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(input);
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let header: Vec<&str> = header.iter().collect();
    let columns = Columns::find(&header, features)?;
    let source = Csv { reader, record: StringRecord::new(), columns: columns.clone() };
    Ok(Rows::new(source, &header, &columns))
}

impl<R: Read> Source for Csv<R> {
    fn read_row(&mut self, row: &mut Row) -> Result<bool, String> {
        if !self.reader.read_record(&mut self.record).map_err(|error| error.to_string())? {
            return Ok(false);
        }
        for &column in &self.columns.features {
            let cell = self.record.get(column).unwrap_or_default();
            row.features.push(match cell {
                "" | "NA" => f64::NAN,
                cell => cell.parse().map_err(|_| {
                    let line = self.record.position().map_or(0, Position::line);
                    format!("line {line}, column {}: {cell:?} is no number", column + 1)
                })?,
            });
        }
        let labels = self.columns.labels.iter();
        row.labels.extend(labels.map(|&column| self.record.get(column).unwrap_or_default().to_owned()));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::features, *};

    #[test]
    fn rows_come_in_the_features_order_with_symbol_and_time() {
        let mut rows = open("b,x,a\n1,2,3\n,9,nan\n".as_bytes(), &features()).unwrap();
        assert!(!rows.by_position() && rows.labels().is_empty());
        assert_eq!(rows.next_row().unwrap().unwrap().features, [3.0, 1.0]);
        assert!(rows.next_row().unwrap().unwrap().features.iter().all(|value| value.is_nan()));
        assert!(rows.next_row().unwrap().is_none());
        let mut rows = open("p,q\n1,2\n".as_bytes(), &features()).unwrap();
        assert!(rows.by_position());
        assert_eq!(rows.next_row().unwrap().unwrap().features, [1.0, 2.0]);
        let mut rows = open("ts,a,b,product_id\n17,1,2,BTC-USD\n".as_bytes(), &features()).unwrap();
        assert_eq!(rows.labels(), ["product_id", "ts"]);
        assert_eq!(rows.next_row().unwrap().unwrap().labels, ["BTC-USD", "17"]);
    }

    #[test]
    fn what_is_missing_or_no_number_is_named() {
        let absent = open("a,c\n".as_bytes(), &features()).map(|_| ()).unwrap_err();
        assert_eq!(absent, "it has no column b@2");
        let mut rows = open("a,b@2\n1,two\n".as_bytes(), &features()).unwrap();
        assert!(rows.next_row().unwrap_err().contains("line 2, column 2: \"two\""));
    }
}
