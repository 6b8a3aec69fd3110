//! Records of a partitioned log, and the files in which a backup keeps them.
//!
//! ```text
//!  topic --> series: one line a record, packed, rotated --> TOPIC.p0003.FIRST-LAST.ndjson.gz
//!                                                              |
//!                          one partition after the other, or <-' all merged by time
//! ```
//!
//! A line is an [`envelope`]: the record's position, message time, key, headers and unchanged value. The value is text
//! under `raw`, so that any reader of recorded ticks reads a backup too.
//!
//! What any other source brings is kept by [`TickFiles`], a line a record.
//!
//! [`PartitionedLog`] is the interface that a topic and a recording share.

mod blocks;
pub mod envelope;
mod file_name;
mod merge;
mod reader;
mod series;
mod ticks;

use std::{io, path::PathBuf};

pub use merge::MergedByTime;
pub use reader::Recording;
pub use series::{SeriesSettings, SeriesWriter};
pub use ticks::{TickFileCounts, TickFileError, TickFileSettings, TickFiles};

/// A record of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRecord {
    /// Its partition number.
    pub partition: u32,
    /// Its offset in the partition.
    pub offset: u64,
    /// Its message time, milliseconds since 1970-01-01.
    pub timestamp_ms: Option<i64>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; `None` for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its headers in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl LogRecord {
    /// The first header of this name, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key == name)?;
        std::str::from_utf8(value.as_deref()?).ok()
    }
}

/// The reason why a log could not be read or recorded.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The broker did not answer, or refused the request.
    #[error("Kafka: {0}")]
    Kafka(String),
    /// A topic that does not exist, or that this user may not see.
    #[error("{0}")]
    Topic(String),
    /// A file that cannot be read or written.
    #[error("{path}: {cause}")]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system or of the decompressor.
        cause: io::Error,
    },
    /// A line that is not an envelope.
    #[error("{path}:{line}: not a line of a recording: {cause}; give files that `stormglass record` wrote")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// A sentence that says what is wrong with the line.
        cause: String,
    },
    /// Files that together do not form one log.
    #[error("{0}")]
    Recording(String),
}

/// The records of one partition, by rising offset.
pub type PartitionRecords = Box<dyn Iterator<Item = Result<LogRecord, LogError>>>;

/// A log of partitions that can be read several times.
pub trait PartitionedLog {
    /// Name of the topic.
    fn topic(&self) -> &str;
    /// The partitions that hold records, ascending.
    fn partitions(&self) -> Vec<u32>;
    /// The oldest offset that the partition still has; older records are lost. `None` without records.
    fn first_offset(&self, partition: u32) -> Option<u64>;
    /// Approximate number of records in the partition, for a progress bar.
    fn length(&self, partition: u32) -> u64;
    /// The records of these partitions, each from its beginning to its end at the time the log was opened.
    ///
    /// # Errors
    /// [`LogError`] when nothing can be read.
    fn read(&self, partitions: &[u32]) -> Result<Vec<PartitionRecords>, LogError>;
}
