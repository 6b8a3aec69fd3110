//! Orders of a lane to a shard about a partition.
//!
//! A lane is one member of a consumer group: it owns partitions for a while and is the only one to change their states.
//! A partition moves from lane to lane under a rising [`Epoch`]; a shard refuses whatever carries another epoch than
//! the newest, so two owners never change one state. Orders use the queue of the ticks, so a shard gets both in the
//! order in which they were sent.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crossbeam::channel::Sender;

use super::batch::ShardReply;
use crate::symbol::{Offset, Partition, Symbol, SymbolId};

/// The number of an ownership of a partition. Each assignment in this process gets a higher one than those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch of a partition that no lane owns, as with a file or the simulator.
    pub const NONE: Self = Self(0);

    /// A new epoch, above all before it.
    pub fn next() -> Self {
        static NEWEST: AtomicU64 = AtomicU64::new(0);
        Self(NEWEST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// An order about one partition.
#[derive(Debug)]
pub struct PartitionOrder {
    /// The partition.
    pub partition: Partition,
    /// The ownership epoch of the sender.
    pub epoch: Epoch,
    /// What to do.
    pub work: PartitionWork,
}

/// What an order asks for. A shard ignores it if its epoch is not the partition's newest.
#[derive(Debug)]
pub enum PartitionWork {
    /// Begins the ownership and drops the states that the partition had under an earlier one.
    Open {
        /// A symbol whose first record is below this offset has lost older records: its state is marked as a new
        /// origin.
        new_origin_before: Offset,
        /// Records below this offset are read again to rebuild states. Their predictions are committed already, so none
        /// are returned.
        emit_from: Offset,
    },
    /// Ends the ownership and drops the states.
    Close,
    /// Asks for the state of a symbol.
    Snapshot {
        /// The symbol.
        symbol: SymbolId,
        /// Receives one [`ShardReply::Snapshot`].
        reply: Sender<ShardReply>,
    },
    /// Replaces the state of a symbol.
    Restore {
        /// The symbol.
        symbol: Arc<Symbol>,
        /// The bytes that a [`PartitionWork::Snapshot`] returned.
        snapshot: Vec<u8>,
        /// Receives one [`ShardReply::Restored`].
        reply: Sender<ShardReply>,
    },
}
