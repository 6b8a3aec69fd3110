//! Batches of ticks to a shard, and the replies with their predictions.

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

/// A tick with the key of its state and the position of its record.
#[derive(Clone, Debug)]
pub struct RoutedTick {
    /// The key of the symbol's state.
    pub key: SymbolKey,
    /// The record, and the ticker in it.
    pub position: Position,
    /// The ownership epoch under which the record was read; [`Epoch::NONE`] for a source that owns no partitions.
    pub epoch: Epoch,
    /// The tick itself.
    pub tick: Tick,
}

/// Ticks for one shard, in the order of their source. A symbol is included in the first batch with a tick of it, so a
/// shard never looks a symbol up.
#[derive(Debug, Default)]
pub struct Batch {
    /// Symbols that the source has not sent to this shard before.
    pub new_symbols: Vec<Arc<Symbol>>,
    /// About [`TICKS_PER_BATCH_MAX`](crate::limits::TICKS_PER_BATCH_MAX) ticks at most: a lane keeps the ticks of one
    /// record together.
    pub ticks: Vec<RoutedTick>,
    /// Where to send the predictions of these ticks; `None` if the sender does not want them.
    pub reply: Option<BatchReply>,
}

/// Requests the predictions of a batch.
#[derive(Debug)]
pub struct BatchReply {
    /// Receives one [`ShardReply::Predictions`] for each batch. The sender keeps room in the channel for it.
    pub to: Sender<ShardReply>,
    /// Number of the shard, which is repeated in the reply.
    pub shard: usize,
    /// Which predictions to return.
    pub emit: Emit,
}

/// A reply of a shard to a lane.
#[derive(Debug)]
pub enum ShardReply {
    /// The predictions of one batch.
    Predictions(Predictions),
    /// The answer to [`PartitionWork::Snapshot`](super::PartitionWork::Snapshot).
    Snapshot {
        /// Key of the requested symbol.
        key: SymbolKey,
        /// The bytes of its state; `None` if there is none under the order's epoch.
        bytes: Option<Vec<u8>>,
    },
    /// The answer to [`PartitionWork::Restore`](super::PartitionWork::Restore).
    Restored {
        /// Key of the restored symbol.
        key: SymbolKey,
        /// An error if the bytes are not a whole state; `None` if another ownership of the partition has begun.
        outcome: Option<Result<(), SnapshotError>>,
    },
}

impl ShardReply {
    /// Sends the reply. A lane that has ended does not get it.
    ///
    /// # Panics
    /// If the channel is full: a lane must keep room for the replies to all its requests.
    pub(crate) fn send(self, to: &Sender<Self>) {
        if let Err(TrySendError::Full(_)) = to.try_send(self) {
            panic!("a lane sent more than its reply channel has room for");
        }
    }
}

/// The requested predictions of one batch, in the order of the ticks.
#[derive(Debug, Default)]
pub struct Predictions {
    /// One entry for each prediction.
    pub entries: Vec<PredictionEntry>,
    /// The JSON of all predictions, concatenated.
    pub bytes: Vec<u8>,
    /// The number of the shard.
    pub shard: usize,
    /// Number of ticks in the batch.
    pub ticks: usize,
    /// Number of ticks refused because another ownership of their partition has begun.
    pub foreign: usize,
}

/// One prediction of a batch; its JSON is in [`Predictions::bytes`].
#[derive(Debug)]
pub struct PredictionEntry {
    /// The symbol.
    pub symbol: Arc<Symbol>,
    /// Position of the tick.
    pub position: Position,
    /// Event time of the tick.
    pub as_of: EventTime,
    /// The model that scored the tick, if one is loaded.
    pub model: Option<Arc<ModelInfo>>,
    /// Whether that model is the baseline, used because the loaded model does worse on this symbol.
    pub is_stand_in: bool,
    /// End of its JSON in [`Predictions::bytes`]; it starts at the end of the entry before.
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
