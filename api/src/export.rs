//! Grid rows as a table that pandas, polars and DuckDB read: what research trains on is what the live engine computes.
//!
//! ```text
//! ticks -> engine::offline -> grid rows, outcomes -> rows (in order, bounded) -> table (row groups) -> F.parquet
//!                                                                                schema (units, under a metadata key)
//! ```
//!
//! Absent on purpose: Arrow. Columns are numbers and one name; the file format's own writers do.

pub mod rows;
pub mod schema;
pub mod table;

pub use rows::{Exported, RowOrder};
pub use schema::{SCHEMA_KEY, schema_json};
pub use table::{TableError, TableWriter};
