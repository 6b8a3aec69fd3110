//! How far a source, or a tool that reads a topic, has come.

use super::tally::Tally;

/// Hears of the progress, for a bar at a terminal, and at the end what became of the records.
pub trait Progress {
    /// So many records were read, and `bytes_read` of `bytes_total` as they lie on the disk.
    fn advanced(&mut self, records: u64, bytes_read: u64, bytes_total: u64);

    /// A source of records has ended, or failed: what became of the records it read.
    fn ended(&mut self, _tally: &Tally) {}
}

/// Nobody listens.
impl Progress for () {
    fn advanced(&mut self, _records: u64, _bytes_read: u64, _bytes_total: u64) {}
}
