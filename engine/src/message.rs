//! What crosses a thread: batches of ticks, orders about partitions and questions go to a shard, answers come back. All by
//! value, never by a lock.

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
    symbol::{Symbol, SymbolKey},
};

pub use batch::{Batch, BatchReply, PredictionEntry, Predictions, RoutedTick, ShardReply};
pub use partition::{Epoch, PartitionOrder, PartitionWork};

/// A prediction with its encoding, made once for all who ask before the symbol's next tick or a swap of the model.
#[derive(Debug)]
pub struct Answer {
    /// The prediction.
    pub prediction: Prediction,
    /// `P` as JSON.
    pub json: Box<[u8]>,
    superseded: AtomicBool,
}

impl Answer {
    /// Encodes a prediction.
    pub fn new(prediction: Prediction) -> Self {
        let json = serde_json::to_vec(&prediction).expect("a prediction is a structure, which JSON can hold");
        Self { prediction, json: json.into_boxed_slice(), superseded: AtomicBool::new(false) }
    }

    /// Whether the shard would still give this very answer. Whoever kept it may give it again, unasked.
    pub fn is_newest(&self) -> bool {
        !self.superseded.load(Ordering::Acquire)
    }

    /// The shard has moved on: a newer tick, another model, another state, or no state any more.
    pub(crate) fn supersede(&self) {
        self.superseded.store(true, Ordering::Release);
    }
}

/// A question or an order to a shard.
#[derive(Debug)]
pub enum Control {
    /// The newest prediction of each symbol, in the order asked; `None` for one without state here.
    Predict {
        /// Symbols this shard owns.
        symbols: Vec<SymbolKey>,
        /// The model that is to answer all of them; `None`: the loaded one.
        model: Option<Arc<Model>>,
        /// Past this the question is dropped unanswered.
        deadline: Instant,
        /// Where the answer goes.
        reply: oneshot::Sender<Vec<Option<Arc<Answer>>>>,
    },
    /// Scores rows of the caller's own features.
    ScoreRows {
        /// The model that defines the rows' order.
        model: Arc<Model>,
        /// Row-major, `model.info().features` values a row, NaN = missing. f64, because some models compare f64.
        rows: Vec<f64>,
        /// Past this the question is dropped unanswered.
        deadline: Instant,
        /// `model.answer_count()` answers a row.
        reply: oneshot::Sender<Vec<f64>>,
    },
    /// The state behind a symbol's newest prediction.
    Features {
        /// Which symbol.
        symbol: SymbolKey,
        /// The model whose prediction comes with them; `None`: the loaded one's.
        model: Option<Arc<Model>>,
        /// Where the answer goes; `None` without state here.
        reply: oneshot::Sender<Option<FeaturesAnswer>>,
    },
    /// Every symbol of the shard.
    Symbols {
        /// One entry a symbol, in no order.
        reply: oneshot::Sender<Vec<SymbolSummary>>,
    },
    /// The model to score with from the next batch on; the old one comes back to be dropped off the shard. Where nobody
    /// waits for it, nothing is swapped.
    SwapModel {
        /// What drives the stream from now on; `None` unloads.
        model: Option<Arc<BoundModel>>,
        /// The one it replaced.
        reply: oneshot::Sender<Option<Arc<BoundModel>>>,
    },
    /// The model that scores the grid beside the active one from now on; the old one comes back.
    SwapShadow {
        /// The shadow; `None` ends it.
        model: Option<Arc<BoundModel>>,
        /// The one it replaced.
        reply: oneshot::Sender<Option<Arc<BoundModel>>>,
    },
    /// The newest grid rows that were scored.
    RecentRows {
        /// The oldest first.
        reply: oneshot::Sender<Vec<Row>>,
    },
    /// The rows of live quality.
    Quality {
        /// Where they go.
        reply: oneshot::Sender<ShardQuality>,
    },
}

/// Everything that reaches a shard.
#[derive(Debug)]
pub enum Message {
    /// A question or an order of a front end, by the control queue. All others go by the queue of the ticks.
    Control(Control),
    /// Ticks.
    Ticks(Batch),
    /// An order of a lane about one of its partitions.
    Partition(PartitionOrder),
    /// A mark behind ticks: the shard drops it once all ticks before it are in their states, which closes the sender's
    /// channel.
    Marker(crossbeam::channel::Sender<()>),
}

impl Message {
    /// Rows it asks to be scored.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Control(Control::ScoreRows { model, rows, .. }) => rows.len() / model.info().features.len(),
            _ => 0,
        }
    }
}

/// A symbol's newest features.
#[derive(Clone, Debug)]
pub struct FeaturesAnswer {
    /// In the order of [`features::schema`](crate::features::schema); NaN = no value.
    pub row: Vec<f32>,
    /// The prediction they gave.
    pub prediction: Prediction,
    /// Summary of the state.
    pub summary: SymbolSummary,
}

/// How a symbol stands.
#[derive(Clone, Debug)]
pub struct SymbolSummary {
    /// Which symbol.
    pub symbol: Arc<Symbol>,
    /// Its key.
    pub key: SymbolKey,
    /// Event time of its newest tick, nanoseconds since the epoch.
    pub newest_tick: crate::tick::EventTime,
    /// Ticks accepted since its origin.
    pub ticks_accepted: u64,
    /// Share of its features that have a value, 0..=1.
    pub warm: f64,
    /// Whether the newest prediction is a probability.
    pub ready: bool,
    /// Newest trade price.
    pub price: crate::tick::Price,
}
