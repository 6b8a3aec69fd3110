//! Maps partitions to shards. The partition of a symbol's state is part of its [`SymbolKey`].
//!
//! A partition is assigned to the shard with the fewest symbols when its first symbol appears, so a few symbols use
//! every core; a pin fixes a partition's shard. The table only grows; readers load it without a lock.
//!
//! If other processes share the log, the table also holds the partitions of their symbols, which have no shard here. A
//! symbol with records in two partitions is *split*: each partition has its own state, made from part of the symbol's
//! ticks.

use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use rustc_hash::FxHashMap;

use crate::{
    settings::Pin,
    symbol::{Partition, SymbolId, SymbolKey},
};

const NONE: u32 = u32::MAX;
/// Flag bits of a symbol's entry, above the bits of any partition number.
const HERE: u32 = 1 << 30;
const SPLIT: u32 = 1 << 31;
const PARTITION: u32 = HERE - 1;

const _: () = assert!(crate::limits::PARTITIONS_MAX < PARTITION);

/// The partition of a symbol's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The partition in which the symbol was first seen; one of this process comes before those of others.
    pub partition: Partition,
    /// Whether this process has read a record of it.
    pub is_here: bool,
    /// Whether it has records in further partitions: [`RouteTable::partitions_of`].
    pub is_split: bool,
}

/// The routing table of a process.
#[derive(Debug)]
pub struct RouteTable {
    shard_of_partition: Box<[AtomicU32]>,
    partition_of_symbol: Box<[AtomicU32]>,
    learned: Mutex<Learned>,
}

/// The part of the table behind a lock, which only updates and queries for split symbols read.
#[derive(Debug)]
struct Learned {
    symbols_of_shard: Vec<usize>,
    /// All partitions of each split symbol, ascending.
    splits: FxHashMap<SymbolId, Vec<Partition>>,
}

impl RouteTable {
    /// A table for `partition_count` partitions on `shard_count` shards; `pins` fix partitions to shards.
    ///
    /// # Panics
    /// If a pin names a partition or a shard outside the counts, which the configuration has checked.
    pub fn new(partition_count: u32, shard_count: usize, pins: &[Pin]) -> Self {
        let shards: Box<[AtomicU32]> = (0..partition_count).map(|_| AtomicU32::new(NONE)).collect();
        for &Pin { partition, shard } in pins {
            assert!(
                shard < shard_count,
                "partition {} is pinned to shard {shard} of {shard_count}",
                partition.0
            );
            shards[partition.0 as usize].store(shard as u32, Ordering::Release);
        }
        let learned = Learned { symbols_of_shard: vec![0; shard_count], splits: FxHashMap::default() };
        Self {
            shard_of_partition: shards,
            partition_of_symbol: (0..crate::limits::SYMBOLS_MAX).map(|_| AtomicU32::new(NONE)).collect(),
            learned: Mutex::new(learned),
        }
    }

    /// Number of partitions.
    pub fn partition_count(&self) -> u32 {
        self.shard_of_partition.len() as u32
    }

    /// Number of shards.
    pub fn shard_count(&self) -> usize {
        self.learned().symbols_of_shard.len()
    }

    /// Notes that `symbol` has records in `partition`, and assigns the partition to a shard if it has none. Returns the
    /// shard, and true the first time the symbol is seen in a second partition.
    pub fn learn(&self, symbol: SymbolId, partition: Partition) -> (usize, bool) {
        let mut learned = self.learned();
        let slot = &self.shard_of_partition[partition.0 as usize];
        let shard = match slot.load(Ordering::Acquire) {
            NONE => {
                let least = learned.least_loaded();
                slot.store(least as u32, Ordering::Release);
                least
            }
            shard => shard as usize,
        };
        let entry = &self.partition_of_symbol[symbol.0 as usize];
        let known = entry.load(Ordering::Acquire);
        let is_here = known != NONE && known & HERE != 0;
        if !is_here {
            learned.symbols_of_shard[shard] += 1;
        }
        let primary = if is_here { known & PARTITION } else { partition.0 };
        let is_newly_split = learned.note(entry, symbol, partition, primary | HERE);
        (shard, is_newly_split)
    }

    /// Notes that `symbol` has records in a `partition` of another process. Returns true the first time the symbol is
    /// seen in a second partition.
    pub fn learn_elsewhere(&self, symbol: SymbolId, partition: Partition) -> bool {
        let entry = &self.partition_of_symbol[symbol.0 as usize];
        let known = entry.load(Ordering::Acquire);
        if known != NONE && known & SPLIT == 0 && known & PARTITION == partition.0 {
            return false;
        }
        let mut learned = self.learned();
        let known = entry.load(Ordering::Acquire);
        let kept = if known == NONE { partition.0 } else { known & !SPLIT };
        learned.note(entry, symbol, partition, kept)
    }

    /// Assigns `partition` to a shard before any of its symbols is known, as for a partition assigned to a lane.
    pub fn claim(&self, partition: Partition) -> usize {
        let mut learned = self.learned();
        let slot = &self.shard_of_partition[partition.0 as usize];
        match slot.load(Ordering::Acquire) {
            NONE => {
                let shard = learned.least_loaded();
                learned.symbols_of_shard[shard] += 1;
                slot.store(shard as u32, Ordering::Release);
                shard
            }
            shard => shard as usize,
        }
    }

    /// The shard that owns `partition`; `None` before it was assigned one.
    pub fn shard_of(&self, partition: Partition) -> Option<usize> {
        match self.shard_of_partition.get(partition.0 as usize)?.load(Ordering::Acquire) {
            NONE => None,
            shard => Some(shard as usize),
        }
    }

    /// The partition of a symbol's records; `None` if no process has reported one.
    pub fn place_of(&self, symbol: SymbolId) -> Option<Place> {
        match self.partition_of_symbol.get(symbol.0 as usize)?.load(Ordering::Acquire) {
            NONE => None,
            entry => Some(Place {
                partition: Partition(entry & PARTITION),
                is_here: entry & HERE != 0,
                is_split: entry & SPLIT != 0,
            }),
        }
    }

    /// The key of a symbol; `None` before this process has read a record of it.
    pub fn key_of(&self, symbol: SymbolId) -> Option<SymbolKey> {
        let place = self.place_of(symbol).filter(|place| place.is_here)?;
        Some(SymbolKey { partition: place.partition, symbol })
    }

    /// Every partition with records of a symbol, ascending.
    pub fn partitions_of(&self, symbol: SymbolId) -> Vec<Partition> {
        match self.place_of(symbol) {
            None => Vec::new(),
            Some(Place { partition, is_split: false, .. }) => vec![partition],
            Some(_) => self.learned().splits.get(&symbol).cloned().unwrap_or_default(),
        }
    }

    fn learned(&self) -> std::sync::MutexGuard<'_, Learned> {
        self.learned.lock().expect("no code panics while it holds the route table")
    }
}

impl Learned {
    /// Adds a partition of a symbol. Its entry is set to `kept`, with the flag of a split if it is in two partitions.
    fn note(&mut self, entry: &AtomicU32, symbol: SymbolId, partition: Partition, kept: u32) -> bool {
        let known = entry.load(Ordering::Acquire);
        if known == NONE || (known & SPLIT == 0 && known & PARTITION == partition.0) {
            entry.store(kept, Ordering::Release);
            return false;
        }
        let partitions = self.splits.entry(symbol).or_insert_with(|| vec![Partition(known & PARTITION)]);
        if let Err(at) = partitions.binary_search(&partition) {
            partitions.insert(at, partition);
        }
        entry.store(kept | SPLIT, Ordering::Release);
        known & SPLIT == 0
    }

    fn least_loaded(&self) -> usize {
        let loads = &self.symbols_of_shard;
        (0..loads.len()).min_by_key(|&s| loads[s]).expect("there is at least one shard")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_symbols_use_every_shard() {
        let routes = RouteTable::new(64, 4, &[]);
        let shards: Vec<usize> = (0..4).map(|i| routes.learn(SymbolId(i), Partition(i * 4)).0).collect();
        assert_eq!(shards, [0, 1, 2, 3]);
        assert_eq!(routes.key_of(SymbolId(2)).unwrap().partition, Partition(8));
        assert_eq!(routes.shard_of(Partition(8)), Some(2));
        assert_eq!(routes.shard_of(Partition(9)), None);
    }

    #[test]
    fn a_pin_holds_and_a_split_symbol_is_told() {
        let routes = RouteTable::new(8, 2, &[Pin { partition: Partition(0), shard: 1 }]);
        assert_eq!(routes.learn(SymbolId(0), Partition(0)), (1, false));
        assert_eq!(routes.learn(SymbolId(0), Partition(0)), (1, false));
        assert_eq!(routes.learn(SymbolId(0), Partition(3)), (0, true));
    }
    #[test]
    fn a_symbol_is_split_once_however_its_partitions_are_learned() {
        let routes = RouteTable::new(8, 2, &[]);
        let place = |symbol| routes.place_of(SymbolId(symbol)).unwrap();
        assert!(!routes.learn_elsewhere(SymbolId(0), Partition(5)));
        assert_eq!((routes.key_of(SymbolId(0)), routes.shard_of(Partition(5))), (None, None));
        assert_eq!(place(0), Place { partition: Partition(5), is_here: false, is_split: false });
        assert!(!routes.learn(SymbolId(0), Partition(5)).1, "taken over");
        assert_eq!(routes.key_of(SymbolId(0)).unwrap().partition, Partition(5));
        assert!(routes.learn_elsewhere(SymbolId(0), Partition(2)));
        assert!(!routes.learn_elsewhere(SymbolId(0), Partition(7)), "told once");
        assert!(!routes.learn(SymbolId(0), Partition(2)).1);
        assert_eq!(place(0), Place { partition: Partition(5), is_here: true, is_split: true });
        assert_eq!(routes.partitions_of(SymbolId(0)), [2, 5, 7].map(Partition));

        // Another's symbol that appears here in a further partition.
        assert!(!routes.learn_elsewhere(SymbolId(1), Partition(6)));
        assert!(routes.learn(SymbolId(1), Partition(1)).1);
        assert_eq!(place(1), Place { partition: Partition(1), is_here: true, is_split: true });
        assert_eq!(routes.partitions_of(SymbolId(1)), [1, 6].map(Partition));
        assert_eq!(routes.partitions_of(SymbolId(2)), []);
    }
}
