//! (3) Which shard owns what: symbol -> partition is in [`SymbolKey`], partition -> shard is here.
//!
//! Partitions are dealt to the shard with the fewest symbols when their first symbol appears, so a few symbols use
//! every core; a pin fixes a partition's shard. The table only grows; readers load it without a lock.

use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use crate::symbol::{Partition, SymbolId, SymbolKey};

const NONE: u32 = u32::MAX;

/// The routing table of a process.
#[derive(Debug)]
pub struct RouteTable {
    shard_of_partition: Box<[AtomicU32]>,
    partition_of_symbol: Box<[AtomicU32]>,
    symbols_of_shard: Mutex<Vec<usize>>,
}

impl RouteTable {
    /// A table for `partition_count` partitions over `shard_count` shards; `pins` fix partitions to shards.
    ///
    /// # Panics
    /// If a pin names a partition or a shard outside the counts (checked where configuration enters).
    pub fn new(partition_count: u32, shard_count: usize, pins: &[(Partition, usize)]) -> Self {
        let shards: Box<[AtomicU32]> = (0..partition_count).map(|_| AtomicU32::new(NONE)).collect();
        for &(partition, shard) in pins {
            assert!(
                shard < shard_count,
                "partition {} is pinned to shard {shard} of {shard_count}",
                partition.0
            );
            shards[partition.0 as usize].store(shard as u32, Ordering::Release);
        }
        Self {
            shard_of_partition: shards,
            partition_of_symbol: (0..crate::limits::SYMBOLS_MAX).map(|_| AtomicU32::new(NONE)).collect(),
            symbols_of_shard: Mutex::new(vec![0; shard_count]),
        }
    }

    /// Number of partitions.
    pub fn partition_count(&self) -> u32 {
        self.shard_of_partition.len() as u32
    }

    /// Number of shards.
    pub fn shard_count(&self) -> usize {
        self.loads().len()
    }

    /// Learns that `symbol` has records in `partition`, deals the partition to a shard if it has none, and says
    /// which shard that is. The second value is true when the symbol was known in another partition (a split symbol).
    pub fn learn(&self, symbol: SymbolId, partition: Partition) -> (usize, bool) {
        let mut loads = self.loads();
        let known = self.partition_of_symbol[symbol.0 as usize].load(Ordering::Acquire);
        let slot = &self.shard_of_partition[partition.0 as usize];
        let shard = match slot.load(Ordering::Acquire) {
            NONE => {
                let least = least_loaded(&loads);
                slot.store(least as u32, Ordering::Release);
                least
            }
            shard => shard as usize,
        };
        if known == NONE {
            loads[shard] += 1;
            self.partition_of_symbol[symbol.0 as usize].store(partition.0, Ordering::Release);
        }
        (shard, known != NONE && known != partition.0)
    }

    /// Deals `partition` to a shard before any symbol of it is known, as when a lane is assigned it.
    pub fn claim(&self, partition: Partition) -> usize {
        let mut loads = self.loads();
        let slot = &self.shard_of_partition[partition.0 as usize];
        match slot.load(Ordering::Acquire) {
            NONE => {
                let shard = least_loaded(&loads);
                loads[shard] += 1;
                slot.store(shard as u32, Ordering::Release);
                shard
            }
            shard => shard as usize,
        }
    }

    /// The shard that owns `partition`, once a symbol of it was seen.
    pub fn shard_of(&self, partition: Partition) -> Option<usize> {
        match self.shard_of_partition.get(partition.0 as usize)?.load(Ordering::Acquire) {
            NONE => None,
            shard => Some(shard as usize),
        }
    }

    /// The key of a symbol, once a record of it was seen.
    pub fn key_of(&self, symbol: SymbolId) -> Option<SymbolKey> {
        match self.partition_of_symbol.get(symbol.0 as usize)?.load(Ordering::Acquire) {
            NONE => None,
            partition => Some(SymbolKey { partition: Partition(partition), symbol }),
        }
    }

    fn loads(&self) -> std::sync::MutexGuard<'_, Vec<usize>> {
        self.symbols_of_shard.lock().expect("no code panics while it holds the route table")
    }
}

fn least_loaded(loads: &[usize]) -> usize {
    (0..loads.len()).min_by_key(|&s| loads[s]).expect("there is at least one shard")
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
        let routes = RouteTable::new(8, 2, &[(Partition(0), 1)]);
        assert_eq!(routes.learn(SymbolId(0), Partition(0)), (1, false));
        assert_eq!(routes.learn(SymbolId(0), Partition(0)), (1, false));
        assert_eq!(routes.learn(SymbolId(0), Partition(3)), (0, true));
    }
}
