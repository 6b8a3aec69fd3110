//! Lists dead letters, and replays those that can be read by now into the ticks' topic.
//!
//! Replayed letters are marked in the dead letters' topic itself: a record without a value whose header `replayed`
//! holds offsets of its partition, written in the transaction that writes the ticks. A replay first fences older
//! replays and reads the marks after that, so no letter is replayed twice, whatever fails. A letter that still cannot
//! be read stays for a later version.

mod marks;
mod replay;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use serde::Serialize;

pub use replay::{LetterReplay, LetterReplayCounts, replay_letters};

use self::marks::Marks;
use crate::{
    intake::Progress,
    kafka::{settings::KafkaSettings, tools::topic_log::TopicLog},
    recording::{LogError, LogRecord, PartitionedLog},
};

/// Records between two reports of progress.
const RECORDS_PER_REPORT: u64 = 256;
/// Counts under this name if a letter gives no reason.
const NO_REASON: &str = "none_given";

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The record in the dead letters' topic: original key and bytes, and the reason in the headers.
    pub record: LogRecord,
    /// Whether it was replayed.
    pub is_replayed: bool,
}

impl Letter {
    /// Why it could not be read: one of [`Unreadable::REASONS`](crate::decode::Unreadable::REASONS) if the engine wrote
    /// the letter.
    pub fn reason(&self) -> &str {
        self.record.header("error").unwrap_or(NO_REASON)
    }

    /// Partition, offset and ticker indexes of the unreadable record; without indexes the letter is about the whole
    /// record.
    fn source(&self) -> Option<(u32, u64, Vec<u32>)> {
        let mut parts = self.record.header("src")?.split(':');
        let (partition, offset) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let indexes = parts.next()?.split(',').filter(|index| !index.is_empty());
        Some((partition, offset, indexes.map(str::parse).collect::<Result<_, _>>().ok()?))
    }
}

/// The number of letters with one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LetterCounts {
    /// Letters that were not replayed.
    pub waiting: u64,
    /// Letters that were replayed.
    pub replayed: u64,
}

/// The dead letters of a topic, counted, with the newest ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterList {
    /// Counts by reason.
    pub by_reason: BTreeMap<String, LetterCounts>,
    /// The newest letters, newest first.
    pub newest: Vec<Letter>,
}

/// Counts the letters and returns the newest `limit`; only those with `reason` if it is given.
///
/// # Errors
/// [`LogError`] when the topic cannot be read.
pub fn list_letters(
    settings: &KafkaSettings,
    limit: usize,
    reason: Option<&str>,
    progress: &mut dyn Progress,
) -> Result<LetterList, LogError> {
    let log = TopicLog::open(settings, &settings.topic_dlq)?;
    let mut list = LetterList::default();
    // Ordered by time, partition and offset; the oldest on top, to be removed first.
    let mut newest: BinaryHeap<Reverse<(i64, u32, u64)>> = BinaryHeap::new();
    let mut kept: BTreeMap<(i64, u32, u64), Letter> = BTreeMap::new();
    each_letter(&log, progress, |letter| {
        if reason.is_some_and(|reason| reason != letter.reason()) {
            return Ok(());
        }
        let counts = list.by_reason.entry(letter.reason().to_owned()).or_default();
        *if letter.is_replayed { &mut counts.replayed } else { &mut counts.waiting } += 1;
        let record = &letter.record;
        let age = (record.timestamp_ms.unwrap_or(i64::MIN), record.partition, record.offset);
        newest.push(Reverse(age));
        kept.insert(age, letter);
        if newest.len() > limit
            && let Some(Reverse(oldest)) = newest.pop()
        {
            kept.remove(&oldest);
        }
        Ok(())
    })?;
    list.newest = kept.into_values().rev().collect();
    Ok(list)
}

/// Calls `take` with every letter, partition after partition.
fn each_letter(
    log: &TopicLog,
    progress: &mut dyn Progress,
    mut take: impl FnMut(Letter) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let total = log.partitions().into_iter().map(|partition| log.length(partition)).sum();
    let mut records_read = 0_u64;
    for partition in log.partitions() {
        let marks = Marks::read(log, partition)?;
        for records in log.read(&[partition])? {
            for record in records {
                let record = record?;
                records_read += 1;
                if records_read.is_multiple_of(RECORDS_PER_REPORT) {
                    progress.advanced(records_read, records_read, total);
                }
                if !Marks::is_mark(&record) {
                    let is_replayed = marks.contains(record.offset);
                    take(Letter { record, is_replayed })?;
                }
            }
        }
    }
    Ok(())
}
