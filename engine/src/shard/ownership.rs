//! Ownership of partitions by lanes, and the owner's orders: open, close, snapshot and restore.

use rustc_hash::FxHashMap;

use super::{ShardCore, event_nanos};
use crate::{
    message::{Epoch, PartitionOrder, PartitionWork, ShardReply},
    prediction::StateFrom,
    symbol::{Offset, Partition, SymbolKey},
};

/// The partitions that lanes own in this shard. Partitions that a file or the simulator fills are not among them.
pub(super) type Ownerships = FxHashMap<Partition, Ownership>;

/// A lane's ownership of a partition. It stays after the lane has closed it, so that the partition's epoch never falls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ownership {
    pub(super) epoch: Epoch,
    new_origin_before: Offset,
    /// Predictions of records below this offset are not returned, because they are committed already.
    pub(super) emit_from: Offset,
}

impl Ownership {
    /// Whether the state of a symbol first seen at `offset` starts at its origin or at a new one.
    pub(super) fn state_from(&self, offset: Offset) -> StateFrom {
        if offset < self.new_origin_before { StateFrom::NewOrigin } else { StateFrom::Origin }
    }
}

impl ShardCore {
    /// Carries out an order, unless its epoch is older than the partition's.
    pub(super) fn order(&mut self, order: PartitionOrder) {
        let PartitionOrder { partition, epoch, work } = order;
        let is_current = self.epoch(partition) == epoch;
        match work {
            PartitionWork::Open { new_origin_before, emit_from } => {
                if self.epoch(partition) < epoch {
                    self.drop_partition(partition);
                    self.ownerships.insert(partition, Ownership { epoch, new_origin_before, emit_from });
                }
            }
            PartitionWork::Close => {
                if is_current {
                    self.drop_partition(partition);
                }
            }
            PartitionWork::Snapshot { symbol, reply } => {
                let key = SymbolKey { partition, symbol };
                let bytes = is_current.then(|| self.snapshot(key)).flatten();
                ShardReply::Snapshot { key, bytes }.send(&reply);
            }
            PartitionWork::Restore { symbol, snapshot, reply } => {
                let key = SymbolKey { partition, symbol: symbol.id };
                let outcome = is_current.then(|| self.restore(symbol, key, &snapshot));
                ShardReply::Restored { key, outcome }.send(&reply);
            }
        }
    }

    /// The newest epoch of a partition.
    pub(super) fn epoch(&self, partition: Partition) -> Epoch {
        self.ownerships.get(&partition).map_or(Epoch::NONE, |ownership| ownership.epoch)
    }

    /// Drops every symbol of a partition.
    fn drop_partition(&mut self, partition: Partition) {
        for i in self.touched.drain(..) {
            self.entries[i].touched = false;
        }
        self.entries.retain(|entry| entry.key.partition != partition);
        self.index = self.entries.iter().enumerate().map(|(i, entry)| (entry.key, i)).collect();
        self.metrics.symbols.set(self.entries.len() as u64);
        let newest = self.entries.iter().filter_map(|entry| entry.state.clock()).map(event_nanos).max();
        self.metrics.newest_tick_nanos.set(newest.unwrap_or(0));
        let simulated = self.entries.iter().filter(|entry| entry.symbol.is_simulated()).count();
        self.metrics.symbols_simulated.set(simulated as u64);
    }
}
