//! Ticks on their way to a shard, and the predictions on their way back to a lane.

use std::sync::Arc;

use crossbeam::channel::{Sender, TrySendError};
use model::ModelInfo;

use super::partition::Epoch;
use crate::{
    settings::Emit,
    snapshot::SnapshotError,
    symbol::{Position, Symbol, SymbolKey},
    tick::{EventTime, Tick},
};

/// A tick with the state it moves and the record it was found in.
#[derive(Clone, Debug)]
pub struct RoutedTick {
    /// The key of the symbol's state.
    pub key: SymbolKey,
    /// The record, and the ticker in it.
    pub position: Position,
    /// The ownership of the partition under which the record was read; [`Epoch::NONE`] for a source that owns none.
    pub epoch: Epoch,
    /// The tick itself.
    pub tick: Tick,
}

/// Ticks for one shard, in the order of their source. A symbol travels with the first batch that has a tick of it, so a
/// shard never looks one up.
#[derive(Debug, Default)]
pub struct Batch {
    /// Symbols that the source has not sent to this shard before.
    pub new_symbols: Vec<Arc<Symbol>>,
    /// About [`TICKS_PER_BATCH_MAX`](crate::limits::TICKS_PER_BATCH_MAX) ticks at most: a lane keeps the ticks of one
    /// record together.
    pub ticks: Vec<RoutedTick>,
    /// Where the predictions of these ticks go; `None` if the sender wants none back.
    pub reply: Option<BatchReply>,
}

/// The sender's wish to have predictions of a batch back.
#[derive(Debug)]
pub struct BatchReply {
    /// Takes one [`ShardReply::Predictions`] a batch. The sender keeps room in the channel for it.
    pub to: Sender<ShardReply>,
    /// The number of the shard, which the reply repeats.
    pub shard: usize,
    /// The predictions that come back.
    pub emit: Emit,
}

/// A reply of a shard to a lane.
#[derive(Debug)]
pub enum ShardReply {
    /// The predictions of one batch.
    Predictions(Predictions),
    /// The state that [`PartitionWork::Snapshot`](super::PartitionWork::Snapshot) asked for.
    Snapshot {
        /// The symbol that was asked for.
        key: SymbolKey,
        /// The bytes of its state; `None` if it has none under the epoch that was asked for.
        bytes: Option<Vec<u8>>,
    },
    /// The end of a [`PartitionWork::Restore`](super::PartitionWork::Restore).
    Restored {
        /// The symbol that was to be restored.
        key: SymbolKey,
        /// Whether the bytes were a whole state; `None` if another ownership of the partition has begun.
        outcome: Option<Result<(), SnapshotError>>,
    },
}

impl ShardReply {
    /// Sends the reply. A lane that has ended is not told.
    ///
    /// # Panics
    /// If the channel is full: a lane must keep room for the replies to all that it has sent.
    pub(crate) fn send(self, to: &Sender<Self>) {
        if let Err(TrySendError::Full(_)) = to.try_send(self) {
            panic!("a lane sent more than its reply channel has room for");
        }
    }
}

/// The predictions of one batch that its sender wants, in the order of the ticks.
#[derive(Debug, Default)]
pub struct Predictions {
    /// One entry for each prediction.
    pub entries: Vec<PredictionEntry>,
    /// The JSON of all predictions, one behind the other.
    pub bytes: Vec<u8>,
    /// The number of the shard.
    pub shard: usize,
    /// How many ticks the batch had.
    pub ticks: usize,
    /// How many of them were refused because another ownership of their partition has begun.
    pub foreign: usize,
}

/// One prediction of a batch, but for its JSON.
#[derive(Debug)]
pub struct PredictionEntry {
    /// The symbol that it is about.
    pub symbol: Arc<Symbol>,
    /// The position of the tick that led to it.
    pub position: Position,
    /// The event time of that tick.
    pub as_of: EventTime,
    /// The model that scored the tick, if one is loaded.
    pub model: Option<Arc<ModelInfo>>,
    /// Whether that model stands in for the loaded one, which does worse on this symbol.
    pub is_stand_in: bool,
    /// Where the JSON ends in [`Predictions::bytes`]; it begins where the entry before ends.
    pub end: usize,
}

impl Predictions {
    /// Each prediction with its JSON, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&PredictionEntry, &[u8])> {
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let bytes = &self.bytes[start..entry.end];
            start = entry.end;
            (entry, bytes)
        })
    }
}
