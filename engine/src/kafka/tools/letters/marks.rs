//! Marks of the letters that were replayed: ranges of offsets, kept in records of the dead letters' topic.

use std::collections::BTreeMap;

use crate::recording::{LogError, LogRecord, PartitionedLog};

/// A record with this header is a mark and not a letter.
pub(super) const HEADER: &str = "replayed";

/// The letters of one partition that were replayed.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Ranges as first offset to last offset. No two ranges touch.
    ranges: BTreeMap<u64, u64>,
}

impl Marks {
    /// Reads the marks of a partition.
    pub(super) fn read(log: &dyn PartitionedLog, partition: u32) -> Result<Self, LogError> {
        let mut marks = Self::default();
        for records in log.read(&[partition])? {
            for record in records {
                if let Some(text) = record?.header(HEADER) {
                    marks.add_text(text);
                }
            }
        }
        Ok(marks)
    }

    pub(super) fn is_mark(record: &LogRecord) -> bool {
        record.header(HEADER).is_some()
    }

    pub(super) fn contains(&self, offset: u64) -> bool {
        self.ranges.range(..=offset).next_back().is_some_and(|(_, &last)| offset <= last)
    }

    /// Adds an offset that is above all offsets in it.
    pub(super) fn push(&mut self, offset: u64) {
        match self.ranges.last_entry() {
            Some(mut newest) if newest.get().checked_add(1) == Some(offset) => *newest.get_mut() = offset,
            _ => {
                self.ranges.insert(offset, offset);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Encodes the ranges as the value of [`HEADER`].
    pub(super) fn text(&self) -> String {
        let range = |(first, last): (&u64, &u64)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        };
        self.ranges.iter().map(range).collect::<Vec<_>>().join(",")
    }

    fn add_text(&mut self, text: &str) {
        for range in text.split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            if let (Ok(first), Ok(last)) = (first.parse::<u64>(), last.parse::<u64>()) {
                let known = self.ranges.entry(first).or_insert(last);
                *known = last.max(*known);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_become_ranges_and_ranges_offsets() {
        let mut marks = Marks::default();
        [3, 4, 5, 9, 11, 12].into_iter().for_each(|offset| marks.push(offset));
        assert_eq!(marks.text(), "3-5,9,11-12");
        let mut read = Marks::default();
        read.add_text(&marks.text());
        read.add_text("20,x,,7-");
        let held: Vec<u64> = (0..30).filter(|&offset| read.contains(offset)).collect();
        assert_eq!(held, [3, 4, 5, 9, 11, 12, 20]);
    }
}
