//! Records of a partitioned log, and the files in which a backup keeps them.
//!
//! ```text
//!  topic --> series: one line a record, packed, rotated --> TOPIC.p0003.FIRST-LAST.ndjson.gz
//!                                                              |
//!                          one partition after the other, or <-' all merged by time
//! ```
//!
//! A line is an [`envelope`]: where the record lay, when it was written, its key, its headers and its value as it
//! was. The value is text under `raw`, so that whatever reads recorded ticks reads a backup too.
//!
//! [`PartitionedLog`] is what a topic and a recording have in common.

pub mod envelope;
mod file_name;
mod merge;
mod reader;
mod series;

use std::{io, path::PathBuf};

pub use merge::MergedByTime;
pub use reader::Recording;
pub use series::{SeriesSettings, SeriesWriter};

/// A record as it lies in a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRecord {
    /// Its partition.
    pub partition: u32,
    /// Its place there.
    pub offset: u64,
    /// Its message time, milliseconds since 1970.
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

/// The reason for which a log could not be read or recorded.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The broker.
    #[error("Kafka: {0}")]
    Kafka(String),
    /// A topic that is not there, or that this user may not see.
    #[error("{0}")]
    Topic(String),
    /// A file.
    #[error("{path}: {cause}")]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system or of the decompressor.
        cause: io::Error,
    },
    /// A line that is no envelope.
    #[error("{path}:{line}: not a line of a recording: {cause}; give files that `stormglass record` wrote")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with the line.
        cause: String,
    },
    /// Files that do not make one log.
    #[error("{0}")]
    Recording(String),
}

/// The records of one partition, by rising offset.
pub type PartitionRecords = Box<dyn Iterator<Item = Result<LogRecord, LogError>>>;

/// A log of partitions that can be read more than once.
pub trait PartitionedLog {
    /// Its name.
    fn topic(&self) -> &str;
    /// The partitions that hold records, rising.
    fn partitions(&self) -> Vec<u32>;
    /// The oldest offset that the partition still has; what was below is lost. `None` without records.
    fn first_offset(&self, partition: u32) -> Option<u64>;
    /// About how many records the partition has: for a bar.
    fn length(&self, partition: u32) -> u64;
    /// The records of these partitions, each from its beginning to where it ended when the log was opened.
    ///
    /// # Errors
    /// When nothing can be read.
    fn read(&self, partitions: &[u32]) -> Result<Vec<PartitionRecords>, LogError>;
}
