//! Reads a CSV in two passes: the type of each column, then its values.

use std::{fs::File, path::Path};

use csv::{Reader, StringRecord};

use super::{CELLS_MAX, Column, ColumnType, Dictionary, Source, Table, Values};
use crate::table_file::TIMES;

/// The types that every cell of a column so far can be read as.
#[derive(Clone, Copy)]
struct CanBe {
    whole: bool,
    number: bool,
    flag: bool,
    time: bool,
    missing: bool,
    empty: bool,
}

impl CanBe {
    fn observe(&mut self, cell: &str) {
        if is_missing(cell) {
            self.missing = true;
            return;
        }
        self.empty = false;
        self.whole = self.whole && cell.parse::<i64>().is_ok();
        self.number = self.number && cell.parse::<f64>().is_ok();
        self.flag = self.flag && flag(cell).is_some();
        self.time = self.time && micros(cell).is_some();
    }

    fn column_type(self) -> ColumnType {
        match self {
            Self { empty: true, .. } => ColumnType::Empty,
            Self { whole: true, missing: false, .. } => ColumnType::Whole,
            Self { number: true, .. } => ColumnType::Float,
            Self { flag: true, .. } => ColumnType::Flag,
            Self { time: true, .. } => ColumnType::Time,
            _ => ColumnType::Word,
        }
    }
}

pub(super) fn open(path: &Path) -> Result<Table, String> {
    let mut reader = reader(path)?;
    let names: Vec<String> =
        reader.headers().map_err(|error| error.to_string())?.iter().map(str::to_owned).collect();
    if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        return Err(format!("it has two columns {}", twice.1));
    }
    let mut can_be: Vec<CanBe> = names
        .iter()
        .map(|name| CanBe {
            whole: true,
            number: true,
            flag: true,
            // Only if the column's name is one of a time: a date in another column is a word.
            time: TIMES.contains(&name.as_str()),
            missing: false,
            empty: true,
        })
        .collect();
    let mut rows = 0;
    for_each_record(&mut reader, |record| {
        can_be.iter_mut().zip(record).for_each(|(can_be, cell)| can_be.observe(cell));
        rows += 1;
    })?;
    if rows * names.len() > CELLS_MAX {
        let cells = rows * names.len();
        return Err(format!("{cells} cells; a CSV is held whole, up to {CELLS_MAX}: give parquet"));
    }
    let columns: Vec<Column> = names
        .into_iter()
        .zip(can_be)
        .map(|(name, can_be)| Column { name, column_type: can_be.column_type() })
        .collect();
    let values = values(path, &columns, rows)?;
    Ok(Table { path: path.to_owned(), columns, rows, features: Vec::new(), source: Source::Csv(values) })
}

fn values(path: &Path, columns: &[Column], rows: usize) -> Result<Vec<Values>, String> {
    let mut dictionaries: Vec<Dictionary> = columns.iter().map(|_| Dictionary::default()).collect();
    let mut values: Vec<Values> = columns
        .iter()
        .map(|column| match column.column_type {
            ColumnType::Word | ColumnType::Flag => {
                Values::Words { codes: Vec::with_capacity(rows), names: Vec::new() }
            }
            _ => Values::Numbers(Vec::with_capacity(rows)),
        })
        .collect();
    for_each_record(&mut reader(path)?, |record| {
        for (((values, column), dictionary), cell) in
            values.iter_mut().zip(columns).zip(&mut dictionaries).zip(record)
        {
            match values {
                Values::Numbers(_) if is_missing(cell) => push(values, f64::NAN),
                Values::Numbers(_) if column.column_type == ColumnType::Time => {
                    push(values, micros(cell).unwrap_or(f64::NAN));
                }
                Values::Numbers(_) => push(values, cell.parse().unwrap_or(f64::NAN)),
                Values::Words { codes, .. } if is_missing(cell) => codes.push(u32::MAX),
                Values::Words { codes, .. } => {
                    codes.push(
                        dictionary.code(
                            flag(cell).filter(|_| column.column_type == ColumnType::Flag).unwrap_or(cell),
                        ),
                    );
                }
            }
        }
    })?;
    for (values, dictionary) in values.iter_mut().zip(dictionaries) {
        if let Values::Words { names, .. } = values {
            *names = dictionary.names;
        }
    }
    Ok(values)
}

fn push(values: &mut Values, value: f64) {
    if let Values::Numbers(numbers) = values {
        numbers.push(value);
    }
}

fn reader(path: &Path) -> Result<Reader<File>, String> {
    csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(|error| error.to_string())
}

fn for_each_record(reader: &mut Reader<File>, mut take: impl FnMut(&StringRecord)) -> Result<(), String> {
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| error.to_string())? {
        take(&record);
    }
    Ok(())
}

/// Whether pandas reads the cell as missing; rare spellings are left out.
fn is_missing(cell: &str) -> bool {
    matches!(cell, "" | "NA" | "N/A" | "NaN" | "nan" | "null" | "NULL" | "None" | "<NA>")
}

fn flag(cell: &str) -> Option<&'static str> {
    match cell {
        "true" | "True" | "TRUE" => Some("true"),
        "false" | "False" | "FALSE" => Some("false"),
        _ => None,
    }
}

/// Microseconds since 1970 of an RFC 3339 time. A space may stand in place of the T; without a zone the time is in UTC.
fn micros(cell: &str) -> Option<f64> {
    let with_t = cell.replacen(' ', "T", 1);
    let time = with_t.parse::<jiff::Timestamp>().or_else(|_| format!("{with_t}Z").parse());
    time.ok().map(|time| time.as_microsecond() as f64)
}
