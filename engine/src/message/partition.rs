//! Orders of a lane to a shard about a partition.
//!
//! A lane is one member of a consumer group: it owns partitions for a while and is the only one to move their states. A
//! partition goes from lane to lane under a rising [`Epoch`]; a shard refuses whatever comes under another one than the
//! newest, so two owners never move one state. The orders travel in the queue of the ticks, so that a shard meets both in
//! the sequence in which they were sent.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crossbeam::channel::Sender;

use super::batch::ShardReply;
use crate::symbol::{Offset, Partition, Symbol, SymbolId};

/// The number of an ownership of a partition. Each assignment in this process has a higher one than those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch of a partition that no lane owns, as all are that a file or the simulator fills.
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
    /// The ownership under which the order is given.
    pub epoch: Epoch,
    /// The order.
    pub work: PartitionWork,
}

/// An order about a partition. A shard ignores it under an epoch that is not the partition's newest.
#[derive(Debug)]
pub enum PartitionWork {
    /// Begins the ownership and drops the states that the partition had under an earlier one.
    Open {
        /// A symbol whose first record lies below this offset has lost earlier records: its state is marked as of a new
        /// origin.
        new_origin_before: Offset,
        /// Records below this offset are read again to rebuild states: their predictions were written before, so they
        /// move the states and nobody hears of them.
        emit_from: Offset,
    },
    /// Ends the ownership and drops the states.
    Close,
    /// Asks for the state of a symbol.
    Snapshot {
        /// The symbol.
        symbol: SymbolId,
        /// Takes one [`ShardReply::Snapshot`].
        reply: Sender<ShardReply>,
    },
    /// Replaces the state of a symbol.
    Restore {
        /// The symbol.
        symbol: Arc<Symbol>,
        /// The bytes that a [`PartitionWork::Snapshot`] gave.
        snapshot: Vec<u8>,
        /// Takes one [`ShardReply::Restored`].
        reply: Sender<ShardReply>,
    },
}
