//! Writes grid rows as a table that pandas, polars and DuckDB read, so that research trains on what the live engine
//! computes.
//!
//! ```text
//! ticks -> engine::offline -> grid rows, outcomes -> rows (in order, bounded) -> table (row groups) -> F.parquet
//!                                                                                schema (units, under a metadata key)
//! ```
//!
//! Absent on purpose: Arrow. The columns are numbers and one name, for which the file format's own writers suffice.

mod rows;
mod schema;
mod table;

pub use rows::RowOrder;
pub use schema::SCHEMA_KEY;
pub use table::TableWriter;
