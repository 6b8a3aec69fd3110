//! Reads a file of features, whose columns may hold numbers or text.

use std::{fs::File, path::Path};

/// Most rows that are read from a file.
pub(super) const ROWS_MAX: usize = 10_000;

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Number(f64),
    Missing,
    /// Text that is not a number, such as a name or a time.
    Other(String),
}

impl Cell {
    /// Parses a cell of a CSV. The spellings of missing values are those of `stormglass predict`.
    fn from_text(text: &str) -> Self {
        match text {
            "" | "NA" => Self::Missing,
            text => text.parse().map_or_else(|_| Self::Other(text.to_owned()), Self::from_number),
        }
    }

    /// A number; missing if it is not finite.
    fn from_number(number: f64) -> Self {
        if number.is_finite() { Self::Number(number) } else { Self::Missing }
    }
}

/// The first [`ROWS_MAX`] rows of a file.
pub(super) struct Table {
    pub(super) names: Vec<String>,
    /// Each row with its line or row number in the file; it has as many cells as there are `names`.
    rows: Vec<(u64, Vec<Cell>)>,
    /// The unit of that number: `line` or `row`.
    counted: &'static str,
    /// Whether the file has more than [`ROWS_MAX`].
    pub(super) has_more: bool,
}

impl Table {
    /// Reads a parquet table if the file's name ends in `.parquet`, else a CSV with a header.
    ///
    /// # Errors
    /// A message that says why the file cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let is_table = path.extension().is_some_and(|extension| extension == "parquet");
        let mut table = if is_table { read_parquet(file) } else { read_csv(file) }?;
        table.has_more = table.rows.len() > ROWS_MAX;
        table.rows.truncate(ROWS_MAX);
        if table.rows.is_empty() { Err("it has no rows".to_owned()) } else { Ok(table) }
    }

    /// Whether every cell of the column is a number or missing.
    ///
    /// # Errors
    /// If a column that has numbers also has text: sent as a missing value, that cell would turn the row into another
    /// one.
    pub(super) fn is_numeric(&self, column: usize) -> Result<bool, String> {
        let has = |is: fn(&Cell) -> bool| self.rows.iter().any(|(_, row)| is(&row[column]));
        let wrong = self.rows.iter().find_map(|(at, row)| match &row[column] {
            Cell::Other(text) => Some((at, text)),
            _ => None,
        });
        match wrong {
            Some((at, text)) if has(|cell| matches!(cell, Cell::Number(_))) => {
                let (counted, name) = (self.counted, &self.names[column]);
                Err(format!(
                    "{counted} {at}, column {name:?}: {text:?} is no number, and the column has numbers; mend the cell, leave \
                     it empty, or take the column out"
                ))
            }
            found => Ok(found.is_none()),
        }
    }

    /// Each row's values in these columns; NaN for a cell that is missing or text.
    pub(super) fn values(&self, columns: &[usize]) -> impl Iterator<Item = Vec<f64>> {
        let value = |cell: &Cell| if let Cell::Number(number) = cell { *number } else { f64::NAN };
        self.rows.iter().map(move |(_, row)| columns.iter().map(|&column| value(&row[column])).collect())
    }
}

fn read_csv(file: File) -> Result<Table, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let names = reader.headers().map_err(|error| error.to_string())?.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records().take(ROWS_MAX + 1) {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        rows.push((line, record.iter().map(Cell::from_text).collect()));
    }
    Ok(Table { names, rows, counted: "line", has_more: false })
}

#[cfg(feature = "parquet")]
fn read_parquet(file: File) -> Result<Table, String> {
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::Field,
    };
    let cell = |field: &Field| match *field {
        Field::Null => Cell::Missing,
        Field::Double(number) => Cell::from_number(number),
        Field::Float(number) => Cell::from_number(f64::from(number)),
        Field::Float16(number) => Cell::from_number(f64::from(number)),
        Field::Byte(number) => Cell::from_number(f64::from(number)),
        Field::Short(number) => Cell::from_number(f64::from(number)),
        Field::Int(number) => Cell::from_number(f64::from(number)),
        Field::Long(number) => Cell::from_number(number as f64),
        Field::UByte(number) => Cell::from_number(f64::from(number)),
        Field::UShort(number) => Cell::from_number(f64::from(number)),
        Field::UInt(number) => Cell::from_number(f64::from(number)),
        Field::ULong(number) => Cell::from_number(number as f64),
        ref other => Cell::Other(other.to_string()),
    };
    let reader = SerializedFileReader::new(file).map_err(|error| error.to_string())?;
    let schema = reader.metadata().file_metadata().schema();
    let names = schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
    let mut rows = Vec::new();
    for (number, row) in (1..).zip(reader.into_iter().take(ROWS_MAX + 1)) {
        let row = row.map_err(|error| error.to_string())?;
        rows.push((number, row.get_column_iter().map(|(_, field)| cell(field)).collect()));
    }
    Ok(Table { names, rows, counted: "row", has_more: false })
}

#[cfg(not(feature = "parquet"))]
fn read_parquet(_: File) -> Result<Table, String> {
    Err("this program was built without the feature parquet; give a CSV".to_owned())
}

#[cfg(all(test, feature = "parquet"))]
mod tests {
    use std::sync::Arc;

    use parquet::{
        data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type},
        file::writer::SerializedFileWriter,
        schema::parser::parse_message_type,
    };

    use super::*;

    #[test]
    fn integers_of_all_widths_are_numbers() {
        let schema = "message rows {
            required int64 long; required int32 byte (INTEGER(8, true)); required int64 unsigned (INTEGER(64, false));
            required int32 word (INTEGER(16, false)); required int64 at (TIMESTAMP(MILLIS, true));
            required binary name (UTF8);
        }";
        let file = tempfile::NamedTempFile::with_suffix(".parquet").unwrap();
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut writer = SerializedFileWriter::new(file.reopen().unwrap(), schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        for column in 0..6_i64 {
            let mut open = group.next_column().unwrap().unwrap();
            let values = [column + 1, column + 2];
            match column {
                1 | 3 => {
                    let values = values.map(|value| value as i32);
                    open.typed::<Int32Type>().write_batch(&values, None, None).unwrap();
                }
                5 => {
                    let values = [ByteArray::from("a"), ByteArray::from("b")];
                    open.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
                }
                _ => {
                    open.typed::<Int64Type>().write_batch(&values, None, None).unwrap();
                }
            }
            open.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();

        let table = Table::read(file.path()).unwrap();
        assert_eq!(table.names, ["long", "byte", "unsigned", "word", "at", "name"]);
        let numbers: Vec<usize> = (0..6).filter(|&column| table.is_numeric(column).unwrap()).collect();
        assert_eq!(numbers, [0, 1, 2, 3]);
        let rows: Vec<Vec<f64>> = table.values(&numbers).collect();
        assert_eq!(rows, [[1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 5.0]]);
    }
}
