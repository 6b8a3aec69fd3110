//! Compares the columns of a table with those of another one, or with a model's training data.
//!
//! ```text
//! A.parquet, B.csv -> table (a column at a time) -> sides (rows in order of time) -> compare (model::drift) -> report
//! ```
//!
//! Every value counts: nothing is sampled or sketched. A parquet file is read a column at a time, so memory holds one
//! column of each side for each thread; a CSV is held whole, up to [`table::CELLS_MAX`] cells. A model's answers need
//! all features of a row at once: rows are scored in parts of that many cells, and each part reads its columns again.

mod compare;
mod effective_rows;
mod in_model;
mod options;
pub(crate) mod report;
mod sides;
pub(crate) mod table;

pub(crate) use compare::compare;
pub(crate) use in_model::compare_with_model;
pub(crate) use options::Options;
pub(crate) use report::Report;
pub(crate) use sides::{Side, halves};
pub(crate) use table::Table;
