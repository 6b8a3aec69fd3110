//! (1) Bytes to ticks: every shape the contract names, told apart by its keys.

/// Why a record or a ticker in it could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unreadable {
    /// Not JSON, or not one JSON object.
    NotJson,
}
