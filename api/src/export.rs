//! Grid rows as a table that pandas, polars and DuckDB read: what research trains on is what the live engine computes.
//!
//! ```text
//! ticks -> engine::offline -> grid rows, outcomes -> rows (in order, bounded) -> table (row groups) -> F.parquet
//!                                                                                schema (units, under a metadata key)
//! ```
//!
//! Absent on purpose: Arrow. Columns are numbers and one name; the file format's own writers do.

mod rows;
mod schema;
mod table;

pub use rows::RowOrder;
pub use schema::SCHEMA_KEY;
pub use table::TableWriter;
