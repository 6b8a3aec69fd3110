//! From the names in a record, venue and product, to the symbol and the shard that has its state.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::{
    metrics::IngestMetrics,
    route::RouteTable,
    symbol::{Partition, Symbol, SymbolTable},
};

/// A map by venue and product that is read without an allocation.
#[derive(Debug)]
pub struct NameMap<T>(FxHashMap<Box<str>, FxHashMap<Box<str>, T>>);

impl<T> Default for NameMap<T> {
    fn default() -> Self {
        Self(FxHashMap::default())
    }
}

impl<T> NameMap<T> {
    /// The value of a symbol.
    pub fn get(&self, venue: &str, product: &str) -> Option<&T> {
        self.0.get(venue)?.get(product)
    }

    /// The value of a symbol, to be changed.
    pub fn get_mut(&mut self, venue: &str, product: &str) -> Option<&mut T> {
        self.0.get_mut(venue)?.get_mut(product)
    }

    /// Sets the value of a symbol.
    pub fn insert(&mut self, venue: &str, product: &str, value: T) {
        self.0.entry(venue.into()).or_default().insert(product.into(), value);
    }
}

/// Makes symbols of names that a source has not named before.
#[derive(Debug)]
pub struct Names {
    symbols: Arc<SymbolTable>,
    routes: Arc<RouteTable>,
    metrics: Arc<IngestMetrics>,
    /// Whether it was told that the table of symbols is full.
    has_warned: bool,
}

impl Names {
    /// Names for these tables.
    pub fn new(symbols: Arc<SymbolTable>, routes: Arc<RouteTable>, metrics: Arc<IngestMetrics>) -> Self {
        Self { symbols, routes, metrics, has_warned: false }
    }

    /// All symbols so far.
    pub fn symbols(&self) -> &SymbolTable {
        &self.symbols
    }

    /// The symbol `venue:product`, added to the table if it is new; `None` if the table is full, of which the first time
    /// warns.
    pub fn intern(&mut self, venue: &str, product: &str) -> Option<Arc<Symbol>> {
        match self.symbols.intern(venue, product) {
            Ok(symbol) => Some(symbol),
            Err(full) => {
                if !std::mem::replace(&mut self.has_warned, true) {
                    tracing::warn!(%full, "ticks of this symbol, and of any further one, are refused");
                }
                None
            }
        }
    }

    /// Tells the front ends that a partition has records of a symbol, warns if another partition has some too, and
    /// returns the number of the shard that has the partition's states.
    pub fn route(&self, symbol: &Symbol, partition: Partition) -> usize {
        let (shard, is_newly_split) = self.routes.learn(symbol.id, partition);
        if is_newly_split {
            self.metrics.note_split(&symbol.name);
        }
        shard
    }

    /// How many partitions there are.
    pub fn partition_count(&self) -> u32 {
        self.routes.partition_count()
    }
}
