//! A symbol's state as bytes.

/// Why a snapshot was not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Cut, damaged, or of another version.
    #[error("the snapshot of {symbol} is not usable: {reason}")]
    Unusable {
        /// Whose it was to be.
        symbol: String,
        /// What is wrong.
        reason: String,
    },
}
