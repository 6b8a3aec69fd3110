//! What a lane of a log and a shard say to each other. A lane is one member of a consumer group: it owns partitions
//! for a while, hands their ticks to the shards in order, and takes the predictions back to commit them.
//!
//! Orders travel in the shard's tick lane, so a shard meets them in the order they were given. Each carries the way
//! back. A partition is handed from lane to lane under a rising [`Epoch`]: what an earlier owner still sends is
//! refused, so two owners never move one state.

mod metrics;
mod report;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crossbeam::channel::{Sender, TrySendError};
use model::ModelInfo;

pub use metrics::{LaneMetrics, TransactionOutcome};
pub use report::{LaneReport, Verdict};

pub use crate::settings::Emit;

use crate::{
    message::RoutedTick,
    snapshot::SnapshotError,
    symbol::{Offset, Partition, Position, Symbol, SymbolKey},
    tick::EventTime,
};

/// Which ownership of a partition: rises with every assignment in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(u64);

impl Epoch {
    /// One above all before it.
    pub fn next() -> Self {
        static NEWEST: AtomicU64 = AtomicU64::new(0);
        Self(NEWEST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// A tick from a log.
#[derive(Clone, Debug)]
pub struct LaneTick {
    /// The tick with its place.
    pub routed: RoutedTick,
    /// The ownership it was read under.
    pub epoch: Epoch,
    /// False while the lane replays what was committed before: the state moves, nothing is written.
    pub emit: bool,
}

/// What a lane wants.
#[derive(Debug)]
pub enum LaneWork {
    /// Begins an ownership: whatever state the partition had is dropped.
    Open {
        /// Which partition.
        partition: Partition,
        /// The new ownership; not above the present one, nothing happens.
        epoch: Epoch,
        /// A symbol first seen below this has lost what came before: it begins at a new origin.
        new_origin_before: Offset,
    },
    /// Ends an ownership and drops its state, unless a later one has begun.
    Close {
        /// Which partition.
        partition: Partition,
        /// The ownership that ends.
        epoch: Epoch,
    },
    /// Ticks of any of the lane's partitions on this shard, in the log's order.
    Ticks {
        /// The shard's number, to come back with the answer.
        shard: usize,
        /// Symbols this lane names for the first time in their ownership.
        new_symbols: Vec<Arc<Symbol>>,
        /// The ticks.
        ticks: Vec<LaneTick>,
        /// Which predictions come back.
        emit: Emit,
    },
    /// The state of a symbol as bytes.
    Snapshot {
        /// Which symbol.
        key: SymbolKey,
        /// Under which ownership.
        epoch: Epoch,
    },
    /// Puts a snapshot's state in the symbol's place.
    Restore {
        /// Which symbol.
        symbol: Arc<Symbol>,
        /// Its key.
        key: SymbolKey,
        /// Under which ownership.
        epoch: Epoch,
        /// What [`LaneWork::Snapshot`] gave once.
        snapshot: Vec<u8>,
    },
}

/// An order with the way back. The lane keeps room in the reply queue for every order that it has under way.
#[derive(Debug)]
pub struct LaneOrder {
    /// What to do.
    pub work: LaneWork,
    /// Where the answer goes; opening and closing have none.
    pub reply: Sender<LaneReply>,
}

/// A shard's answer.
#[derive(Debug)]
pub enum LaneReply {
    /// To [`LaneWork::Ticks`].
    Ticks(LaneOutputs),
    /// To [`LaneWork::Snapshot`]; `None` without state under that ownership.
    Snapshot {
        /// Which symbol.
        key: SymbolKey,
        /// Its state.
        bytes: Option<Vec<u8>>,
    },
    /// To [`LaneWork::Restore`].
    Restored {
        /// Which symbol.
        key: SymbolKey,
        /// Whether it was taken; `None` when another ownership has begun.
        outcome: Option<Result<(), SnapshotError>>,
    },
}

/// The predictions of one batch of ticks, in the ticks' order.
#[derive(Debug, Default)]
pub struct LaneOutputs {
    /// One an emitted prediction.
    pub outputs: Vec<LaneOutput>,
    /// Their encodings, one behind the other.
    pub bytes: Vec<u8>,
    /// The shard that answers.
    pub shard: usize,
    /// Ticks of the batch.
    pub ticks: usize,
    /// Ticks refused because another ownership of their partition had begun.
    pub foreign: usize,
}

/// One prediction of a batch.
#[derive(Debug)]
pub struct LaneOutput {
    /// Whose.
    pub symbol: Arc<Symbol>,
    /// The tick behind it.
    pub position: Position,
    /// Its event time.
    pub as_of: EventTime,
    /// What scored.
    pub model: Option<Arc<ModelInfo>>,
    /// Whether that stands in for the loaded model.
    pub is_stand_in: bool,
    /// Where its encoding ends in [`LaneOutputs::bytes`].
    pub end: usize,
}

impl LaneOutputs {
    /// The predictions with their encodings, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&LaneOutput, &[u8])> {
        let mut start = 0;
        self.outputs.iter().map(move |output| {
            let bytes = &self.bytes[start..output.end];
            start = output.end;
            (output, bytes)
        })
    }
}

/// Sends an answer. A lane that has gone needs none.
pub(crate) fn answer(reply: &Sender<LaneReply>, answer: LaneReply) {
    if let Err(TrySendError::Full(_)) = reply.try_send(answer) {
        panic!("a lane gave more orders than its reply queue has room for");
    }
}
