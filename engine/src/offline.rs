//! The same core on the caller's thread, for training, evaluation, tests and benches: no mailbox, no runtime, no
//! clock. What it gives is, byte for byte, what the live engine gives for the same ticks.

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

/// The only shard.
const SHARD: usize = 0;

/// One shard, driven by the thread that feeds it.
pub struct Offline<O> {
    core: ShardCore,
    /// Takes the predictions and effects of the ticks.
    pub out: O,
    sorter: Sorter,
    messages: Vec<Message>,
    /// The shard's counts.
    pub metrics: Arc<ShardMetrics>,
    /// The source's counts.
    pub ingest: Arc<IngestMetrics>,
}

impl<O: Out> Offline<O> {
    /// A shard without symbols.
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

    /// Changes the core before the first tick, as to give it other settings.
    pub fn with_core(mut self, change: impl FnOnce(ShardCore) -> ShardCore) -> Self {
        self.core = change(self.core);
        self
    }

    /// The core, its pending ticks applied.
    pub fn core(&mut self) -> &mut ShardCore {
        self.flush();
        &mut self.core
    }

    /// Puts a snapshot in the place of the state of `name`, `venue:product`.
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

    /// The names of the symbols so far.
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
