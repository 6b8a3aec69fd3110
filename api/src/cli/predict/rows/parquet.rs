//! The rows of a parquet table. Only the columns that are asked for are read.

use std::{fs::File, path::Path};

use model::schema::FeatureName;
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, reader::RowIter},
    schema::types::Type,
};

use super::{Columns, Row, Rows, Source};
use crate::table_file;

struct Parquet {
    rows: RowIter<'static>,
    names: Names,
    number: u64,
}

/// Names of the columns that are read.
struct Names {
    features: Vec<String>,
    labels: Vec<String>,
}

pub(super) fn open(path: &Path, features: &[FeatureName]) -> Result<Rows, String> {
    let fault = |error: parquet::errors::ParquetError| error.to_string();
    let file = File::open(path).map_err(|error| error.to_string())?;
    let reader = SerializedFileReader::new(file).map_err(fault)?;
    let schema = reader.metadata().file_metadata().schema().clone();
    let header: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
    let columns = Columns::find(&header, features)?;

    let is_read = |place: &usize| columns.features.contains(place) || columns.labels.contains(place);
    let read = (0..header.len()).filter(is_read).map(|place| schema.get_fields()[place].clone());
    let read = Type::group_type_builder(schema.name()).with_fields(read.collect()).build().map_err(fault)?;
    let rows = RowIter::from_file_into(Box::new(reader)).project(Some(read)).map_err(fault)?;
    let named = |places: &[usize]| places.iter().map(|&place| header[place].to_owned()).collect();
    let names = Names { features: named(&columns.features), labels: named(&columns.labels) };
    Ok(Rows::new(Parquet { rows, names, number: 0 }, &header, &columns))
}

impl Source for Parquet {
    fn read_row(&mut self, row: &mut Row) -> Result<bool, String> {
        let Some(read) = self.rows.next() else { return Ok(false) };
        self.number += 1;
        let read = read.map_err(|error| format!("row {}: {error}", self.number))?;
        let field = |name: &String| read.get_column_iter().find(|(column, _)| *column == name);
        for name in &self.names.features {
            let value = field(name).map_or(Some(f64::NAN), |(_, field)| number(field));
            row.features.push(value.ok_or_else(|| {
                let found = field(name).map_or_else(String::new, |(_, field)| field.to_string());
                format!("row {}, column {name}: {found} is no number", self.number)
            })?);
        }
        let label = |name| field(name).map_or_else(String::new, |(_, field)| text(field));
        row.labels.extend(self.names.labels.iter().map(label));
        Ok(true)
    }
}

fn number(field: &Field) -> Option<f64> {
    match *field {
        Field::Null => Some(f64::NAN),
        Field::Bool(flag) => Some(f64::from(u8::from(flag))),
        ref field => table_file::number(field),
    }
}

/// An instant as RFC 3339 in UTC, nothing for a missing cell, or the cell's own text.
fn text(field: &Field) -> String {
    let time = match *field {
        Field::TimestampMicros(micros) => jiff::Timestamp::from_microsecond(micros),
        Field::TimestampMillis(millis) => jiff::Timestamp::from_millisecond(millis),
        Field::Null => return String::new(),
        Field::Str(ref text) => return text.clone(),
        ref field => return field.to_string(),
    };
    time.map_or_else(|_| field.to_string(), |time| time.to_string())
}
