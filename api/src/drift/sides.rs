//! The two sides of a comparison: all rows of two tables, or the two halves of one.

use std::sync::Arc;

use super::table::{Column, ColumnType, Table, TableError, Values};
use crate::table_file::{SYMBOLS, TIMES};

/// Rows of a table, in the order of time.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    table: Arc<Table>,
    rows: Vec<u32>,
    /// Number of the symbol of each row; all 0 without a column of symbols.
    groups: Vec<u32>,
    /// Remarks for the report.
    pub notes: Vec<String>,
}

impl Side {
    /// All rows of a table.
    ///
    /// # Errors
    /// [`TableError`] of its times or symbols.
    pub(crate) fn all(table: Arc<Table>) -> Result<Self, TableError> {
        let (rows, notes) = match times(&table)? {
            Some(times) => (in_order(&times), Vec::new()),
            None => {
                let note =
                    format!("{} has no times: its rows are taken in their order", table.path().display());
                ((0..table.rows() as u32).collect(), vec![note])
            }
        };
        let groups = groups(&table, &rows)?;
        Ok(Self { table, rows, groups, notes })
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Number of the symbol of each row, in the order of time.
    pub(super) fn groups(&self) -> &[u32] {
        &self.groups
    }

    /// A column's values, in the order of time.
    pub(super) fn read(&self, column: &str) -> Result<Values, TableError> {
        Ok(match self.table.read(column)? {
            Values::Numbers(values) => {
                Values::Numbers(self.rows.iter().map(|&row| values[row as usize]).collect())
            }
            Values::Words { codes, names } => {
                Values::Words { codes: self.rows.iter().map(|&row| codes[row as usize]).collect(), names }
            }
        })
    }

    /// The rows at these positions in the order of time.
    pub(super) fn part(&self, rows: std::ops::Range<usize>) -> Self {
        Self {
            table: self.table.clone(),
            rows: self.rows[rows.clone()].to_vec(),
            groups: self.groups[rows].to_vec(),
            notes: Vec::new(),
        }
    }
}

/// The first and the second half of a table's rows in the order of time, and a remark about where the cut is. Rows of
/// one instant are in the same half.
///
/// # Errors
/// [`TableError`]: as [`Side::all`], and where a half would be empty.
pub(crate) fn halves(table: Arc<Table>) -> Result<(Side, Side, String), TableError> {
    let all = Side::all(table)?;
    let times = times(&all.table)?;
    let mut cut = all.len() / 2;
    if let Some(times) = &times {
        let time = |place: usize| times[all.rows[place] as usize];
        while cut > 0 && time(cut - 1) == time(cut) {
            cut -= 1;
        }
    }
    if cut == 0 {
        return Err(all
            .table
            .fault("its first half has no rows: all are of one instant, or there is one only".to_owned()));
    }
    let at = times
        .filter(|_| time_column(&all.table).is_some_and(|column| column.column_type == ColumnType::Time))
        .and_then(|times| jiff::Timestamp::from_microsecond(times[all.rows[cut] as usize] as i64).ok())
        .map_or_else(|| format!("row {cut}"), |time| time.to_string());
    let note = format!("one file: its first half is the reference, its second, from {at} on, is current");
    let (mut first, second) = (all.part(0..cut), all.part(cut..all.len()));
    first.notes = all.notes;
    Ok((first, second, note))
}

/// The time of each row: microseconds of a column of instants, or the numbers of another column that is named as a
/// time. `None` unless every row has one.
fn times(table: &Table) -> Result<Option<Vec<f64>>, TableError> {
    let Some(column) = time_column(table) else { return Ok(None) };
    Ok(match table.read(&column.name)? {
        Values::Numbers(times) if times.iter().all(|time| time.is_finite()) => Some(times),
        _ => None,
    })
}

/// The column with one of the names in [`TIMES`], else the first column of instants.
fn time_column(table: &Table) -> Option<&Column> {
    let named = TIMES.iter().find_map(|name| table.column(name));
    let column =
        named.or_else(|| table.columns().iter().find(|column| column.column_type == ColumnType::Time));
    column.filter(|column| column.column_type != ColumnType::Other)
}

/// Row numbers in the order of time.
fn in_order(times: &[f64]) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..times.len() as u32).collect();
    // Rows of one instant stay in their order.
    rows.sort_by(|&one, &other| times[one as usize].total_cmp(&times[other as usize]));
    rows
}

/// Number of the symbol of each of these rows.
fn groups(table: &Table, rows: &[u32]) -> Result<Vec<u32>, TableError> {
    let Some(column) = SYMBOLS.iter().find_map(|name| table.column(name)) else {
        return Ok(vec![0; rows.len()]);
    };
    Ok(match table.read(&column.name)? {
        Values::Words { codes, names } => {
            // Rows without a symbol are one more group.
            let group = |code: u32| if code == u32::MAX { names.len() as u32 } else { code };
            rows.iter().map(|&row| group(codes[row as usize])).collect()
        }
        Values::Numbers(_) => vec![0; rows.len()],
    })
}
