//! Messages to a shard (batches of ticks, partition orders, questions) and its answers. They are passed by value;
//! nothing is shared under a lock.

mod batch;
mod partition;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use model::Model;
use tokio::sync::oneshot;

use crate::{
    bound_model::BoundModel,
    features::Row,
    prediction::Prediction,
    quality::ShardQuality,
    state::history::Told,
    symbol::{Symbol, SymbolKey},
};

pub use batch::{Batch, BatchReply, PredictionEntry, Predictions, RoutedTick, ShardReply};
pub use partition::{Epoch, PartitionOrder, PartitionWork};

/// A prediction with its JSON, encoded once for all readers until the symbol's next tick or a model swap.
#[derive(Debug)]
pub struct Answer {
    /// The prediction.
    pub prediction: Prediction,
    /// The prediction as JSON, without the fields that HTTP adds.
    pub json: Box<[u8]>,
    superseded: AtomicBool,
}

impl Answer {
    /// Encodes a prediction.
    pub fn new(prediction: Prediction) -> Self {
        let json = serde_json::to_vec(&prediction).expect("a prediction is a structure, which JSON can hold");
        Self { prediction, json: json.into_boxed_slice(), superseded: AtomicBool::new(false) }
    }

    /// Whether the shard would still give this answer. While it does, a front end may repeat the answer without asking.
    pub fn is_newest(&self) -> bool {
        !self.superseded.load(Ordering::Acquire)
    }

    /// Marks the answer as outdated: there is a newer tick, another model, another state, or no state any more.
    pub(crate) fn supersede(&self) {
        self.superseded.store(true, Ordering::Release);
    }
}

/// A question or an order to a shard.
#[derive(Debug)]
pub enum Control {
    /// The newest prediction of each symbol, in the order asked; `None` for one without state here.
    Predict {
        /// Keys of symbols that this shard owns.
        symbols: Vec<SymbolKey>,
        /// The model that scores all of them; `None`: the loaded one.
        model: Option<Arc<Model>>,
        /// After this time the question is dropped unanswered.
        deadline: Instant,
        /// Receives one answer for each symbol.
        reply: oneshot::Sender<Vec<Option<Arc<Answer>>>>,
    },
    /// Scores rows of the caller's own features.
    ScoreRows {
        /// The model that defines the rows' order.
        model: Arc<Model>,
        /// Row-major, `model.info().features` values a row, NaN = missing. f64, because some models compare f64.
        rows: Vec<f64>,
        /// After this time the question is dropped unanswered.
        deadline: Instant,
        /// Receives `model.answer_count()` numbers for each row.
        reply: oneshot::Sender<Vec<f64>>,
    },
    /// The features and prediction of a symbol's newest tick.
    Features {
        /// Key of the symbol.
        symbol: SymbolKey,
        /// The model whose prediction is returned; `None`: the loaded one.
        model: Option<Arc<Model>>,
        /// Receives the answer; `None` if the symbol has no state here.
        reply: oneshot::Sender<Option<FeaturesAnswer>>,
    },
    /// What was predicted for a symbol of late, and what came of it.
    History {
        /// Key of the symbol.
        symbol: SymbolKey,
        /// How far back.
        minutes: u32,
        /// Receives the answer; `None` if the symbol has no state here.
        reply: oneshot::Sender<Option<HistoryAnswer>>,
    },
    /// A summary of every symbol of the shard.
    Symbols {
        /// Receives one summary for each symbol, in no order.
        reply: oneshot::Sender<Vec<SymbolSummary>>,
    },
    /// Replaces the loaded model from the next batch on. The old model is sent back so that the shard does not drop it.
    /// If the receiver of `reply` is gone, nothing is swapped.
    SwapModel {
        /// The new model, which drives the stream; `None` unloads.
        model: Option<Arc<BoundModel>>,
        /// Receives the old model.
        reply: oneshot::Sender<Option<Arc<BoundModel>>>,
    },
    /// Replaces the shadow model, which scores the grid beside the loaded one. The old shadow is sent back.
    SwapShadow {
        /// The new shadow; `None` ends it.
        model: Option<Arc<BoundModel>>,
        /// Receives the old shadow.
        reply: oneshot::Sender<Option<Arc<BoundModel>>>,
    },
    /// The newest scored grid rows.
    RecentRows {
        /// Receives the rows, oldest first.
        reply: oneshot::Sender<Vec<Row>>,
    },
    /// The rows of live quality.
    Quality {
        /// Receives the rows.
        reply: oneshot::Sender<ShardQuality>,
    },
}

/// Every kind of message to a shard.
#[derive(Debug)]
pub enum Message {
    /// A question or order of a front end. It uses the control queue; all others use the tick queue.
    Control(Control),
    /// A batch of ticks.
    Ticks(Batch),
    /// An order of a lane about one of its partitions.
    Partition(PartitionOrder),
    /// A marker after ticks. The shard drops it once all ticks before it are applied, which closes the sender's
    /// channel.
    Marker(crossbeam::channel::Sender<()>),
}

impl Message {
    /// Number of rows that the message asks to score.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Control(Control::ScoreRows { model, rows, .. }) => rows.len() / model.info().features.len(),
            _ => 0,
        }
    }
}

/// A symbol's history, with its newest prediction.
#[derive(Clone, Debug)]
pub struct HistoryAnswer {
    /// The newest prediction.
    pub prediction: Prediction,
    /// Seconds from a point to the next, where none is missing.
    pub step_s: i64,
    /// Oldest first.
    pub points: Vec<Told>,
}

/// A symbol's newest features with their prediction.
#[derive(Clone, Debug)]
pub struct FeaturesAnswer {
    /// In the order of [`features::schema`](crate::features::schema); NaN = no value.
    pub row: Vec<f32>,
    /// The prediction made from them.
    pub prediction: Prediction,
    /// Summary of the symbol's state.
    pub summary: SymbolSummary,
}

/// Summary of a symbol's state.
#[derive(Clone, Debug)]
pub struct SymbolSummary {
    /// The symbol.
    pub symbol: Arc<Symbol>,
    /// Key of the symbol.
    pub key: SymbolKey,
    /// Event time of the newest tick, nanoseconds since the epoch.
    pub newest_tick: crate::tick::EventTime,
    /// Ticks accepted since the state's origin.
    pub ticks_accepted: u64,
    /// Share of the features that have a value, 0..=1.
    pub warm: f64,
    /// Whether the newest prediction is a probability.
    pub ready: bool,
    /// Newest trade price, in quote currency.
    pub price: f64,
}
