//! Reads the columns of a parquet or CSV file.

mod csv;
#[cfg(feature = "parquet")]
mod parquet;

use std::path::{Path, PathBuf};

use crate::table_file::{SYMBOLS, TIMES, is_parquet};

/// Rows that a table may have.
pub(crate) const ROWS_MAX: usize = 20_000_000;
/// Cells that a CSV may have: it is held whole, 512 MiB at most.
pub(crate) const CELLS_MAX: usize = 64 << 20;

/// The reason why a table cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}")]
pub(crate) struct TableError {
    path: PathBuf,
    what: String,
}

/// Type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnType {
    /// Numbers with a fraction.
    Float,
    /// Whole numbers.
    Whole,
    /// True or false.
    Flag,
    /// Text.
    Word,
    /// Instants.
    Time,
    /// No row has a value, so the column matches any type.
    Empty,
    /// A type that is not compared: lists, binary, decimals.
    Other,
}

/// A column's name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub name: String,
    pub column_type: ColumnType,
}

/// A column's values, in the order of rows. An empty column is read as numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    /// Numbers; instants as whole microseconds; NaN for missing.
    Numbers(Vec<f64>),
    /// Words by their index in `names`; `u32::MAX` for missing.
    Words {
        /// Index of each row's word.
        codes: Vec<u32>,
        /// The distinct words.
        names: Vec<String>,
    },
}

impl Values {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Words { codes, .. } => codes.len(),
        }
    }

    /// `rows` missing values of the same type.
    pub(super) fn missing(&self, rows: usize) -> Self {
        match self {
            Self::Numbers(_) => Self::Numbers(vec![f64::NAN; rows]),
            Self::Words { .. } => Self::Words { codes: vec![u32::MAX; rows], names: Vec::new() },
        }
    }
}

#[derive(Debug)]
enum Source {
    Csv(Vec<Values>),
    #[cfg(feature = "parquet")]
    Parquet,
}

/// A table whose columns can be read one by one.
#[derive(Debug)]
pub(crate) struct Table {
    path: PathBuf,
    columns: Vec<Column>,
    rows: usize,
    /// Names of the columns that the file's own schema calls features; empty if it has no schema.
    features: Vec<String>,
    source: Source,
}

impl Table {
    /// Opens a parquet file, which is known by its first bytes, or else a CSV with a header.
    ///
    /// # Errors
    /// [`TableError`]: the file is not readable, no regular file, without rows, or has more than [`ROWS_MAX`] rows.
    pub(crate) fn open(path: &Path) -> Result<Self, TableError> {
        let fault = |what: String| TableError { path: path.to_owned(), what };
        let metadata = std::fs::metadata(path).map_err(|error| fault(error.to_string()))?;
        if !metadata.is_file() {
            let what = "it is no regular file, and a table is read more than once: write it to a file first";
            return Err(fault(what.to_owned()));
        }
        let table = if is_parquet(path).map_err(|error| fault(error.to_string()))? {
            #[cfg(feature = "parquet")]
            let table = parquet::open(path).map_err(fault)?;
            #[cfg(not(feature = "parquet"))]
            return Err(fault("this build reads no parquet: give a CSV".to_owned()));
            #[cfg(feature = "parquet")]
            table
        } else {
            csv::open(path).map_err(fault)?
        };
        if table.rows == 0 {
            return Err(fault("it has no rows".to_owned()));
        }
        if table.rows > ROWS_MAX {
            return Err(fault(format!("{} rows; at most {ROWS_MAX} are compared", table.rows)));
        }
        Ok(table)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// All columns, in the order of the file.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Names of the columns that are compared by default: the features if the file's schema names them, else all
    /// columns except times, symbols and those of a type that is not compared.
    pub(crate) fn comparable(&self) -> Vec<String> {
        if !self.features.is_empty() {
            return self.features.clone();
        }
        let kept = |column: &&Column| {
            !matches!(column.column_type, ColumnType::Time | ColumnType::Other)
                && !TIMES.contains(&column.name.as_str())
                && !SYMBOLS.contains(&column.name.as_str())
        };
        self.columns.iter().filter(kept).map(|column| column.name.clone()).collect()
    }

    /// Reads a column.
    ///
    /// # Errors
    /// [`TableError`]: no column has this name, its type is not compared, or the file is damaged or has changed.
    pub(crate) fn read(&self, name: &str) -> Result<Values, TableError> {
        let fault = |what: String| TableError { path: self.path.clone(), what };
        let Some(at) = self.columns.iter().position(|column| column.name == name) else {
            return Err(fault(format!("it has no column {name}")));
        };
        match self.columns[at].column_type {
            ColumnType::Other => {
                return Err(fault(format!("column {name} holds neither numbers nor words")));
            }
            ColumnType::Empty => return Ok(Values::Numbers(vec![f64::NAN; self.rows])),
            _ => {}
        }
        let values = match &self.source {
            Source::Csv(columns) => columns[at].clone(),
            #[cfg(feature = "parquet")]
            Source::Parquet => parquet::read(&self.path, at, self.rows)
                .map_err(|what| fault(format!("column {name}: {what}")))?,
        };
        if values.len() != self.rows {
            let what = format!(
                "column {name} has {} rows and the table {}: it is damaged, or was written to meanwhile",
                values.len(),
                self.rows
            );
            return Err(fault(what));
        }
        Ok(values)
    }

    /// An error about this file.
    pub(super) fn fault(&self, what: String) -> TableError {
        TableError { path: self.path.clone(), what }
    }
}

/// Gives each distinct word a number, from 0 in the order of their first occurrence.
#[derive(Default)]
struct Dictionary {
    places: std::collections::HashMap<String, u32>,
    names: Vec<String>,
}

impl Dictionary {
    fn code(&mut self, word: &str) -> u32 {
        if let Some(&code) = self.places.get(word) {
            return code;
        }
        let code = self.names.len() as u32;
        self.places.insert(word.to_owned(), code);
        self.names.push(word.to_owned());
        code
    }
}

#[cfg(test)]
mod tests;
