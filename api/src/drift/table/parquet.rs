//! Reads a parquet file, a column at a time.

use std::{fs::File, path::Path};

use parquet::{
    basic::{ConvertedType, LogicalType, TimeUnit, Type},
    column::reader::get_typed_column_reader,
    data_type::{BoolType, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type},
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    schema::types::ColumnDescriptor,
};

use super::{Column, ColumnType, Dictionary, Source, Table, Values};
use crate::table_file;

/// Rows read at a time.
const BATCH_ROWS: usize = 8_192;

pub(super) fn open(path: &Path) -> Result<Table, String> {
    let reader = reader(path)?;
    let metadata = reader.metadata().file_metadata();
    let columns = metadata.schema_descr().columns().iter().enumerate().map(|(at, column)| {
        let column_type = match column_type(column) {
            declared @ (ColumnType::Time | ColumnType::Other) => declared,
            _ if is_empty(&reader, at) => ColumnType::Empty,
            declared => declared,
        };
        Column { name: column.path().string(), column_type }
    });
    let schema = table_file::schema(metadata);
    let schema: serde_json::Value =
        schema.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let features = schema["columns"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|column| !column["feature"].is_null())
        .filter_map(|column| column["name"].as_str().map(str::to_owned))
        .collect();
    Ok(Table {
        path: path.to_owned(),
        columns: columns.collect(),
        rows: usize::try_from(metadata.num_rows()).unwrap_or(usize::MAX),
        features,
        source: Source::Parquet,
    })
}

pub(super) fn read(path: &Path, at: usize, rows: usize) -> Result<Values, String> {
    let reader = reader(path)?;
    let column = reader.metadata().file_metadata().schema_descr().column(at);
    let mut numbers = Vec::with_capacity(rows);
    let unit = unit_micros(&column);
    let mut number = |value: Option<f64>| numbers.push(value.map_or(f64::NAN, |value| value * unit));
    let done = match column.physical_type() {
        Type::FLOAT => {
            for_each_value::<FloatType>(&reader, at, |value| number(value.map(|&value| f64::from(value))))
        }
        Type::DOUBLE => for_each_value::<DoubleType>(&reader, at, |value| number(value.copied())),
        Type::INT32 if is_unsigned(&column) => for_each_value::<Int32Type>(&reader, at, |value| {
            number(value.map(|&value| f64::from(value as u32)))
        }),
        Type::INT64 if is_unsigned(&column) => {
            for_each_value::<Int64Type>(&reader, at, |value| number(value.map(|&value| value as u64 as f64)))
        }
        Type::INT32 => {
            for_each_value::<Int32Type>(&reader, at, |value| number(value.map(|&value| f64::from(value))))
        }
        Type::INT64 => {
            for_each_value::<Int64Type>(&reader, at, |value| number(value.map(|&value| value as f64)))
        }
        _ => return words(&reader, at, rows).map_err(|error| error.to_string()),
    };
    done.map_err(|error| error.to_string())?;
    Ok(Values::Numbers(numbers))
}

fn words(reader: &SerializedFileReader<File>, at: usize, rows: usize) -> Result<Values, ParquetError> {
    let (mut codes, mut dictionary) = (Vec::with_capacity(rows), Dictionary::default());
    let flags = reader.metadata().file_metadata().schema_descr().column(at).physical_type() == Type::BOOLEAN;
    if flags {
        for_each_value::<BoolType>(reader, at, |value| {
            let word = value.map(|&flag| if flag { "true" } else { "false" });
            codes.push(word.map_or(u32::MAX, |word| dictionary.code(word)));
        })?;
    } else {
        for_each_value::<ByteArrayType>(reader, at, |value| {
            let word = value.map(|bytes| String::from_utf8_lossy(bytes.data()));
            codes.push(word.map_or(u32::MAX, |word| dictionary.code(&word)));
        })?;
    }
    Ok(Values::Words { codes, names: dictionary.names })
}

/// Calls `take` with every row's value, `None` where it is null.
fn for_each_value<T: DataType>(
    reader: &SerializedFileReader<File>,
    at: usize,
    mut take: impl FnMut(Option<&T::T>),
) -> Result<(), ParquetError> {
    let there = reader.metadata().file_metadata().schema_descr().column(at).max_def_level();
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        let mut column = get_typed_column_reader::<T>(group.get_column_reader(at)?);
        loop {
            levels.clear();
            values.clear();
            let (rows, _, _) =
                column.read_records(BATCH_ROWS, (there > 0).then_some(&mut levels), None, &mut values)?;
            if rows == 0 {
                break;
            }
            if there == 0 {
                values.iter().for_each(|value| take(Some(value)));
                continue;
            }
            let mut present = values.iter();
            levels.iter().for_each(|&level| take(if level == there { present.next() } else { None }));
        }
    }
    Ok(())
}

fn reader(path: &Path) -> Result<SerializedFileReader<File>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    SerializedFileReader::new(file).map_err(|error| error.to_string())
}

/// Microseconds in one unit of a column of instants; 1 for any other column.
fn unit_micros(column: &ColumnDescriptor) -> f64 {
    match (column.logical_type_ref(), column.converted_type()) {
        (Some(LogicalType::Timestamp(time)), _) => match time.unit {
            TimeUnit::MILLIS => 1e3,
            TimeUnit::MICROS => 1.0,
            TimeUnit::NANOS => 1e-3,
        },
        (_, ConvertedType::TIMESTAMP_MILLIS) => 1e3,
        (Some(LogicalType::Date), _) | (_, ConvertedType::DATE) => 86_400e6,
        _ => 1.0,
    }
}

/// Whether the file's statistics show that no row has a value. pandas and Arrow write such a column with any type.
fn is_empty(reader: &SerializedFileReader<File>, at: usize) -> bool {
    reader.metadata().row_groups().iter().all(|group| {
        let nulls = group.column(at).statistics().and_then(|statistics| statistics.null_count_opt());
        nulls.is_some_and(|nulls| i64::try_from(nulls) == Ok(group.num_rows()))
    })
}

/// Whether the column holds unsigned integers.
fn is_unsigned(column: &ColumnDescriptor) -> bool {
    match (column.logical_type_ref(), column.converted_type()) {
        (Some(LogicalType::Integer(number)), _) => !number.is_signed,
        (
            _,
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64,
        ) => true,
        _ => false,
    }
}

fn column_type(column: &ColumnDescriptor) -> ColumnType {
    if column.max_rep_level() > 0 || column.max_def_level() > 1 {
        return ColumnType::Other;
    }
    match (column.physical_type(), column.logical_type_ref(), column.converted_type()) {
        (_, Some(LogicalType::Timestamp(_) | LogicalType::Date | LogicalType::Time(_)), _)
        | (_, _, ConvertedType::TIMESTAMP_MICROS | ConvertedType::TIMESTAMP_MILLIS | ConvertedType::DATE) => {
            ColumnType::Time
        }
        (_, Some(LogicalType::Decimal(_)), _) | (_, _, ConvertedType::DECIMAL) => ColumnType::Other,
        (_, Some(LogicalType::Unknown), _) => ColumnType::Empty,
        (Type::FLOAT | Type::DOUBLE, ..) => ColumnType::Float,
        (Type::INT32 | Type::INT64, ..) => ColumnType::Whole,
        (Type::BOOLEAN, ..) => ColumnType::Flag,
        (Type::BYTE_ARRAY, Some(LogicalType::String | LogicalType::Enum), _)
        | (Type::BYTE_ARRAY, _, ConvertedType::UTF8 | ConvertedType::ENUM) => ColumnType::Word,
        _ => ColumnType::Other,
    }
}
