//! One state of one symbol from its origin on, in a core of its own that is driven as a lane drives it.

use std::{sync::Arc, time::Instant};

use crossbeam::channel::{Receiver, Sender, bounded};
use tokio::sync::oneshot;

use super::{VerifySettings, kept::KeptState, lives::Span, prediction::Said, shelf::Shelf};
use crate::{
    bound_model::BoundModel,
    message::{
        Batch, BatchReply, Control, Epoch, Message, PartitionOrder, PartitionWork, RoutedTick, ShardReply,
    },
    metrics::ShardMetrics,
    quality::QualitySettings,
    recording::LogError,
    settings::Emit,
    shard::{NoOut, ShardCore},
    symbol::{Offset, Partition, Position, Symbol, SymbolKey},
    tick::Tick,
};

/// A symbol's state in a core of its own.
pub(super) struct Life {
    core: ShardCore,
    /// The symbol, until its first tick has introduced it to the core.
    new_symbol: Option<Arc<Symbol>>,
    key: SymbolKey,
    epoch: Epoch,
    emit: Emit,
    reply: Sender<ShardReply>,
    replies: Receiver<ShardReply>,
    /// The loaded model.
    said: Option<Said>,
    is_model_there: bool,
    /// Whether a missing model may have changed the state by feedback.
    is_tainted: bool,
    learns: bool,
}

impl Life {
    pub(super) fn new(
        settings: &VerifySettings,
        baseline: Option<Arc<BoundModel>>,
        symbol: Arc<Symbol>,
        partition: Partition,
        span: Span,
    ) -> Self {
        // Pooled quality is only for display; predictions do not contain it.
        let quality = QualitySettings { rows_max: 1, ..QualitySettings::default() };
        let core = ShardCore::new(settings.state, None, Arc::new(ShardMetrics::default()))
            .with_quality(quality)
            .with_baseline(baseline);
        let (reply, replies) = bounded(1);
        let feedback = settings.state.feedback;
        let mut life = Self {
            core,
            key: SymbolKey { partition, symbol: symbol.id },
            new_symbol: Some(symbol),
            epoch: Epoch::next(),
            emit: settings.emit,
            reply,
            replies,
            said: None,
            is_model_there: true,
            is_tainted: false,
            learns: feedback.recalibrate || feedback.fallback,
        };
        let new_origin_before = Offset(if span.new_origin { span.origin.saturating_add(1) } else { 0 });
        life.order(PartitionWork::Open { new_origin_before, emit_from: Offset(0) });
        life
    }

    /// Replaces the new state by a kept one.
    pub(super) fn restore(&mut self, kept: &KeptState) -> Result<(), LogError> {
        let Some(symbol) = self.new_symbol.take() else { return Ok(()) };
        let (snapshot, reply) = (kept.bytes.clone(), self.reply.clone());
        self.order(PartitionWork::Restore { symbol, snapshot, reply });
        match self.replies.try_recv() {
            Ok(ShardReply::Restored { outcome: Some(Ok(())), .. }) => Ok(()),
            Ok(ShardReply::Restored { outcome: Some(Err(error)), .. }) => {
                Err(LogError::Recording(format!("{error}; give the --config of then")))
            }
            other => Err(LogError::Recording(format!("a kept state was not taken: {other:?}"))),
        }
    }

    fn order(&mut self, work: PartitionWork) {
        let (partition, epoch) = (self.key.partition, self.epoch);
        self.step(Message::Partition(PartitionOrder { partition, epoch, work }));
    }

    fn step(&mut self, message: Message) {
        // The instant is only for questions with a deadline; predictions do not depend on it.
        self.core.step(Instant::now(), &mut vec![message], &mut NoOut);
    }

    /// Loads the model that scores from now on.
    pub(super) fn load(&mut self, said: &Said, shelf: &mut Shelf<'_>) {
        if self.said.as_ref() == Some(said) {
            return;
        }
        let model = match said {
            Said::NoModel => None,
            Said::Model(sha256) => shelf.find(sha256),
        };
        self.is_model_there = model.is_some() || *said == Said::NoModel;
        self.is_tainted |= self.learns && !self.is_model_there;
        self.said = Some(said.clone());
        // The receiver is kept until the step is over, because without one nothing is swapped.
        let (reply, _old) = oneshot::channel();
        self.step(Message::Control(Control::SwapModel { model, reply }));
    }

    /// Whether the predictions of this life can be judged.
    pub(super) fn is_known(&self) -> bool {
        self.is_model_there && !self.is_tainted
    }

    /// Applies a tick. Returns the prediction's bytes if the tick is accepted and its prediction is one that is
    /// written.
    pub(super) fn tick(&mut self, (offset, index): (u64, u32), tick: &Tick) -> Option<Vec<u8>> {
        let position = Position { partition: self.key.partition, offset: Offset(offset), index };
        let ticks = vec![RoutedTick { key: self.key, position, epoch: self.epoch, tick: *tick }];
        let new_symbols = self.new_symbol.take().into_iter().collect();
        let reply = Some(BatchReply { to: self.reply.clone(), shard: 0, emit: self.emit });
        self.step(Message::Ticks(Batch { new_symbols, ticks, reply }));
        match self.replies.try_recv() {
            Ok(ShardReply::Predictions(given)) if !given.entries.is_empty() => Some(given.bytes),
            _ => None,
        }
    }
}
