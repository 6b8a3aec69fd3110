//! The same core on the caller's thread, for training, evaluation, tests and benches: no mailbox, no runtime, no
//! clock. What it gives is, byte for byte, what the live engine gives for the same ticks.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use rustc_hash::FxHashMap;

use crate::{
    bound_model::BoundModel,
    decode::Unreadable,
    limits::TICKS_PER_BATCH_MAX,
    message::{Message, RoutedTick, TickBatch},
    metrics::{IngestMetrics, ShardMetrics},
    shard::{Out, ShardCore},
    snapshot::SnapshotError,
    source::{SourceEvent, TickSink},
    state::StateSettings,
    symbol::{Offset, Position, SymbolId, SymbolKey, SymbolTable, default_partition},
    tick::Tick,
};

/// One shard, driven by the thread that feeds it.
pub struct Offline<O> {
    core: ShardCore,
    /// What the ticks gave.
    pub out: O,
    symbols: SymbolTable,
    known: FxHashMap<Box<str>, FxHashMap<Box<str>, SymbolId>>,
    keys: Vec<SymbolKey>,
    partition_count: u32,
    pending: TickBatch,
    messages: Vec<Message>,
    /// The shard's counts.
    pub metrics: Arc<ShardMetrics>,
    /// The source's counts.
    pub ingest: IngestMetrics,
}

impl<O: Out> Offline<O> {
    /// A shard without symbols.
    pub fn new(
        settings: StateSettings,
        model: Option<Arc<BoundModel>>,
        partition_count: u32,
        out: O,
    ) -> Self {
        let metrics = Arc::new(ShardMetrics::default());
        Self {
            core: ShardCore::new(settings, model, metrics.clone()),
            out,
            symbols: SymbolTable::default(),
            known: FxHashMap::default(),
            keys: Vec::new(),
            partition_count,
            pending: TickBatch::default(),
            messages: Vec::new(),
            metrics,
            ingest: IngestMetrics::default(),
        }
    }

    /// The same over a core that is changed first.
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
        let key = self.key(venue, product).ok_or_else(|| refuse("the symbol table is full"))?;
        let symbol = self.symbols.by_id(key.symbol).expect("a key is made from an interned symbol");
        self.core.restore(symbol, key, bytes)
    }

    /// The names of the symbols so far.
    pub fn symbols(&self) -> &SymbolTable {
        &self.symbols
    }

    fn key(&mut self, venue: &str, product: &str) -> Option<SymbolKey> {
        if let Some(id) = self.known.get(venue).and_then(|products| products.get(product)) {
            return Some(self.keys[id.0 as usize]);
        }
        let symbol = self.symbols.intern(venue, product).ok()?;
        let partition = default_partition(&symbol.name, self.partition_count);
        let key = SymbolKey { partition, symbol: symbol.id };
        self.known.entry(venue.into()).or_default().insert(product.into(), symbol.id);
        self.keys.push(key);
        self.pending.new_symbols.push(symbol);
        Some(key)
    }
}

impl<O: Out> TickSink for Offline<O> {
    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, index: u32, tick: Tick) {
        let Some(key) = self.key(venue, product) else {
            self.ingest.ticks_refused.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let position = Position { partition: key.partition, offset: record_offset, index };
        self.pending.ticks.push(RoutedTick { key, position, tick });
        if self.pending.ticks.len() >= TICKS_PER_BATCH_MAX {
            self.flush();
        }
    }

    fn unreadable(&mut self, _offset: Offset, reason: Unreadable, _record: &[u8]) {
        self.ingest.count_unreadable(reason);
    }

    fn event(&mut self, event: SourceEvent) {
        self.ingest.count(event);
    }

    fn flush(&mut self) {
        if self.pending.ticks.is_empty() {
            return;
        }
        self.messages.push(Message::Ticks(std::mem::take(&mut self.pending)));
        self.core.step(Instant::now(), &mut self.messages, &mut self.out);
    }
}
