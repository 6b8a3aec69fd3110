//! Merges several partitions into one stream ordered by message time. The order inside a partition is kept, even if its
//! times go back.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{LogError, LogRecord, PartitionRecords};

/// An iterator over the records of all partitions: the one with the earliest message time first; of equal times, the
/// one of the lowest partition. Holds one record for each partition.
pub struct MergedByTime {
    sources: Vec<PartitionRecords>,
    heads: Vec<Option<LogRecord>>,
    /// The next record of each source: message time, partition, index of the source.
    order: BinaryHeap<Reverse<(i64, u32, usize)>>,
    /// Indexes of the sources whose next record is not read yet.
    due: Vec<usize>,
}

impl MergedByTime {
    /// Merges the records of these partitions.
    pub fn new(sources: Vec<PartitionRecords>) -> Self {
        let count = sources.len();
        Self {
            heads: (0..count).map(|_| None).collect(),
            order: BinaryHeap::with_capacity(count),
            due: (0..count).collect(),
            sources,
        }
    }
}

impl Iterator for MergedByTime {
    type Item = Result<LogRecord, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(i) = self.due.pop() {
            match self.sources[i].next() {
                None => {}
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(record)) => {
                    self.order.push(Reverse((record.timestamp_ms.unwrap_or(i64::MIN), record.partition, i)));
                    self.heads[i] = Some(record);
                }
            }
        }
        let Reverse((_, _, i)) = self.order.pop()?;
        self.due.push(i);
        Some(Ok(self.heads[i].take().expect("what is in the order has its record")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(partition: u32, times_ms: &[i64]) -> PartitionRecords {
        let record = move |(i, &time): (usize, &i64)| LogRecord {
            partition,
            offset: i as u64,
            timestamp_ms: Some(time),
            ..LogRecord::default()
        };
        let records: Vec<_> = times_ms.iter().enumerate().map(record).map(Ok).collect();
        Box::new(records.into_iter())
    }

    #[test]
    fn times_decide_between_partitions_and_offsets_within_one() {
        let merged = MergedByTime::new(vec![
            partition(0, &[1, 5, 4, 6]),
            partition(1, &[]),
            partition(2, &[1, 2, 5, 9]),
        ]);
        let order: Vec<(u32, u64)> = merged.map(|r| r.unwrap()).map(|r| (r.partition, r.offset)).collect();
        assert_eq!(order, [(0, 0), (2, 0), (2, 1), (0, 1), (0, 2), (2, 2), (0, 3), (2, 3)]);
    }

    #[test]
    fn an_error_is_told_and_does_not_end_the_others() {
        let broken: PartitionRecords =
            Box::new(std::iter::once(Err(LogError::Recording("broken".to_owned()))));
        let merged: Vec<_> = MergedByTime::new(vec![partition(0, &[1]), broken]).collect();
        assert_eq!(merged.iter().filter(|record| record.is_err()).count(), 1);
        assert_eq!(merged.len(), 2);
    }
}
