//! A lane's view of a partition that it owns.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{
    intake::NameMap,
    kafka::lane::progress::Progress,
    message::Epoch,
    symbol::{Partition, Symbol},
};

/// A partition with more unreadable records than this among [`POISON_WINDOW_RECORDS`] is paused: a changed format must
/// not drain a topic into the dead letters.
pub(crate) const POISON_RECORDS_MAX: u32 = 100;
/// Records after which the count of unreadable ones starts again.
const POISON_WINDOW_RECORDS: u32 = 10_000;

/// A symbol of an owned partition.
#[derive(Debug)]
pub(crate) struct LaneSymbol {
    pub(crate) symbol: Arc<Symbol>,
    /// Offset of its first record.
    pub(crate) first: u64,
    /// The offset after the last record in its newest durable snapshot.
    pub(crate) snapshot: Option<u64>,
    /// The number of that snapshot among those that this lane took, from 1; 0 if another owner took it or none exists.
    pub(crate) snapshot_turn: u64,
}

/// A record that was read from the log, but not decoded, as its schema is not known yet.
#[derive(Debug)]
pub(crate) struct WaitingRecord {
    pub(crate) offset: u64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) payload: Vec<u8>,
}

/// The partitions that a lane owns, by number.
pub(crate) type OwnedPartitions = BTreeMap<u32, OwnedPartition>;

/// A partition under one ownership.
#[derive(Debug)]
pub(crate) struct OwnedPartition {
    pub(crate) partition: Partition,
    pub(crate) epoch: Epoch,
    /// The shard that holds its state.
    pub(crate) shard: usize,
    /// The offset after the last record read.
    pub(crate) next: u64,
    /// The committed offset. Records below it are read again without writing their predictions.
    pub(crate) committed: u64,
    /// The offset after the newest record, as last reported.
    pub(crate) end: u64,
    /// The offset of the first record that the state includes.
    pub(crate) origin: u64,
    /// Symbols first seen below this offset have a new origin: their state may not go back to their first tick.
    pub(crate) new_origin_before: u64,
    /// Whether too many records were unreadable; nothing more is read until a restart.
    pub(crate) is_paused: bool,
    /// Records from `next` on that wait for a schema, in order. While there are any, the partition is paused.
    pub(crate) waiting: VecDeque<WaitingRecord>,
    symbols: Vec<LaneSymbol>,
    by_name: NameMap<usize>,
    window_records: u32,
    window_unreadable: u32,
}

impl OwnedPartition {
    pub(crate) fn new(partition: Partition, shard: usize, read_from: u64, committed: u64) -> Self {
        Self {
            partition,
            epoch: Epoch::next(),
            shard,
            next: read_from,
            committed,
            end: committed,
            origin: read_from,
            new_origin_before: 0,
            is_paused: false,
            waiting: VecDeque::new(),
            symbols: Vec::new(),
            by_name: NameMap::default(),
            window_records: 0,
            window_unreadable: 0,
        }
    }

    /// Whether the state includes every committed record.
    pub(crate) fn is_live(&self) -> bool {
        self.next >= self.committed
    }

    /// Number of records that are not committed.
    pub(crate) fn lag(&self) -> u64 {
        self.end.saturating_sub(self.committed)
    }

    /// The index of a symbol in the partition's list.
    pub(crate) fn find(&self, venue: &str, product: &str) -> Option<usize> {
        self.by_name.get(venue, product).copied()
    }

    /// Adds a symbol that was not found, and returns its index.
    pub(crate) fn add(&mut self, symbol: Arc<Symbol>, first: u64, snapshot: Option<u64>) -> usize {
        let i = self.symbols.len();
        self.by_name.insert(symbol.venue(), symbol.product(), i);
        self.symbols.push(LaneSymbol { symbol, first, snapshot, snapshot_turn: 0 });
        i
    }

    pub(crate) fn symbols(&self) -> &[LaneSymbol] {
        &self.symbols
    }

    pub(crate) fn symbols_mut(&mut self) -> &mut [LaneSymbol] {
        &mut self.symbols
    }

    /// How to rebuild the state at `next`, once the snapshots noted here are durable.
    pub(crate) fn progress(&self) -> Progress {
        let needed = self.symbols.iter().map(|s| s.snapshot.unwrap_or(s.first)).min();
        let read_from = needed.unwrap_or(self.next);
        let mut progress = Progress {
            read_from,
            origin: self.origin,
            new_origin_before: self.new_origin_before,
            ..Progress::default()
        };
        self.symbols.iter().filter(|s| s.first < read_from).for_each(|s| progress.count(&s.symbol.name));
        progress
    }

    /// Counts a record. Returns true when too many were unreadable.
    pub(crate) fn count_record(&mut self, is_unreadable: bool) -> bool {
        if self.window_records >= POISON_WINDOW_RECORDS {
            (self.window_records, self.window_unreadable) = (0, 0);
        }
        self.window_records += 1;
        self.window_unreadable += u32::from(is_unreadable);
        self.window_unreadable > POISON_RECORDS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol::SymbolTable;

    #[test]
    fn a_restart_reads_from_the_oldest_snapshot_and_needs_those_of_all_symbols_before_it() {
        let names = SymbolTable::default();
        let mut owned = OwnedPartition::new(Partition(3), 0, 100, 100);
        assert_eq!(owned.progress(), Progress { read_from: 100, origin: 100, ..Progress::default() });
        let old = owned.add(names.intern("a", "X").unwrap(), 100, None);
        owned.next = 500;
        assert_eq!(owned.progress().read_from, 100, "without a snapshot, from its first record");
        owned.symbols_mut()[old].snapshot = Some(500);
        let mut all = Progress { read_from: 500, origin: 100, ..Progress::default() };
        all.count("a:X");
        assert_eq!(owned.progress(), all);
        owned.add(names.intern("a", "Y").unwrap(), 700, None);
        assert_eq!(owned.progress(), all, "the new one is found again by reading");
        owned.symbols_mut()[old].snapshot = Some(900);
        all.read_from = 700;
        assert_eq!(owned.progress(), all);
    }

    #[test]
    fn a_changed_format_is_not_drained_into_the_dead_letters() {
        let mut owned = OwnedPartition::new(Partition(0), 0, 0, 0);
        assert!((0..POISON_RECORDS_MAX).all(|_| !owned.count_record(true)));
        assert!(owned.count_record(true));
        let mut owned = OwnedPartition::new(Partition(0), 0, 0, 0);
        assert!((0..50_000).all(|i| !owned.count_record(i % 100 == 0)), "one in a hundred is let through");
    }
}
