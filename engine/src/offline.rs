//! The engine's core on the caller's thread, for training, evaluation, tests and benches: no mailbox, no runtime, no
//! clock. Its predictions equal, byte for byte, those of the live engine for the same ticks.

use std::{sync::Arc, time::Instant};

use crate::{
    bound_model::BoundModel,
    intake::{RecordEvent, Sorter, TickSink},
    message::Message,
    metrics::{IngestMetrics, ShardMetrics},
    route::RouteTable,
    shard::{Out, ShardCore},
    snapshot::SnapshotError,
    state::StateSettings,
    symbol::{Offset, SymbolTable},
    tick::Tick,
};

/// Number of the only shard.
const SHARD: usize = 0;

/// One shard, driven by the caller's thread.
pub struct Offline<O> {
    core: ShardCore,
    /// Receives the predictions and effects of the ticks.
    pub out: O,
    sorter: Sorter,
    messages: Vec<Message>,
    /// The counters of the shard.
    pub metrics: Arc<ShardMetrics>,
    /// The counters of ingestion.
    pub ingest: Arc<IngestMetrics>,
}

impl<O: Out> Offline<O> {
    /// A shard without symbols. Its predictions and effects go to `out`.
    pub fn new(
        settings: StateSettings,
        model: Option<Arc<BoundModel>>,
        partition_count: u32,
        out: O,
    ) -> Self {
        let (metrics, ingest) = (Arc::new(ShardMetrics::default()), Arc::<IngestMetrics>::default());
        let routes = Arc::new(RouteTable::new(partition_count, SHARD + 1, &[]));
        Self {
            core: ShardCore::new(settings, model, metrics.clone()),
            out,
            sorter: Sorter::new(Arc::default(), routes, ingest.clone()),
            messages: Vec::new(),
            metrics,
            ingest,
        }
    }

    /// Changes the core before the first tick, for example to give it a baseline.
    pub fn with_core(mut self, change: impl FnOnce(ShardCore) -> ShardCore) -> Self {
        self.core = change(self.core);
        self
    }

    /// The core, after all pending ticks were applied.
    pub fn core(&mut self) -> &mut ShardCore {
        self.flush();
        &mut self.core
    }

    /// Replaces the state of the symbol `name`, `venue:product`, by a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError`] when the bytes are not a whole state of this version and these settings.
    pub fn restore(&mut self, name: &str, bytes: &[u8]) -> Result<(), SnapshotError> {
        let refuse =
            |reason: &str| SnapshotError::Unusable { symbol: name.to_owned(), reason: reason.to_owned() };
        let (venue, product) = name.split_once(':').ok_or_else(|| refuse("its name is not venue:product"))?;
        let (_, key) = self.sorter.learn(venue, product).ok_or_else(|| refuse("the symbol table is full"))?;
        let symbol = self.symbols().by_id(key.symbol).expect("a key is made from an interned symbol");
        self.core.restore(symbol, key, bytes)
    }

    /// The symbols seen so far.
    pub fn symbols(&self) -> &SymbolTable {
        self.sorter.symbols()
    }
}

impl<O: Out> TickSink for Offline<O> {
    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, index: u32, tick: Tick) {
        if self.sorter.add(venue, product, record_offset, index, tick).is_some() {
            self.flush();
        }
    }

    fn event(&mut self, _record_offset: Offset, event: RecordEvent) {
        self.sorter.count(event);
    }

    fn flush(&mut self) {
        let batch = self.sorter.take(SHARD);
        if !batch.ticks.is_empty() || !batch.new_symbols.is_empty() {
            self.messages.push(Message::Ticks(batch));
            self.core.step(Instant::now(), &mut self.messages, &mut self.out);
        }
    }
}
