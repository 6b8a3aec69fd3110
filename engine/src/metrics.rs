//! What the engine counts, and the list of its metrics.
//!
//! A shard owns one [`ShardMetrics`] and is its only writer; a scrape sums the shards. Map: `cell` is what a shard writes,
//! `series` what a metric is (the service's own list is made of it too), `list` each of the engine's metrics once.

mod cell;
mod list;
mod series;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

pub use self::{
    cell::{InstantCell, NumberCell},
    list::METRICS,
    series::{Metric, Series, Shape, Value},
};
use crate::{
    decode::{NoTickKind, Unreadable},
    lanes::LaneMetrics,
};

/// What a shard counts.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct ShardMetrics {
    /// Ticks that entered a state.
    pub ticks_accepted: NumberCell,
    /// Ticks older than their symbol's newest.
    pub ticks_late: NumberCell,
    /// Ticks whose trade id was among the last 1,024.
    pub ticks_repeated: NumberCell,
    /// Ticks more than an hour ahead with none beside them.
    pub ticks_jump: NumberCell,
    /// Rows scored on ticks.
    pub rows_scored: NumberCell,
    /// Rows scored on grid instants.
    pub grid_rows_scored: NumberCell,
    /// Predictions with a probability and `spike` true.
    pub predictions_spike: NumberCell,
    /// Predictions with a probability and `spike` false.
    pub predictions_calm: NumberCell,
    /// Predictions without a probability yet.
    pub predictions_warming: NumberCell,
    /// Grid rows whose outcome became known, spike.
    pub outcomes_spike: NumberCell,
    /// Grid rows whose outcome became known, no spike.
    pub outcomes_calm: NumberCell,
    /// Silences that invalidated their seconds.
    pub gaps: NumberCell,
    /// Trades whose taker side was inferred.
    pub sides_inferred: NumberCell,
    /// Symbols with state.
    pub symbols: NumberCell,
    /// Of those, symbols whose prices are made up.
    pub symbols_simulated: NumberCell,
    /// Newest event time of the shard's symbols, nanoseconds since 1970-01-01; 0 while no symbol has had a tick.
    pub newest_tick_nanos: NumberCell,
    /// When the last step that accepted a tick began.
    pub newest_arrival: InstantCell,
    /// Symbol states that were restored from snapshots.
    pub restored: NumberCell,
    /// Of those, states with a probability.
    pub restored_with_probability: NumberCell,
    /// Questions dropped because their deadline had passed or nobody waited.
    pub questions_expired: NumberCell,
    /// Steps taken.
    pub steps: NumberCell,
    /// Nanoseconds in steps.
    pub step_nanos: NumberCell,
    /// Times an outside watchdog woke this shard although mail lay there (written by the watchdog only).
    pub rewakes: NumberCell,
}

/// What the ingest side counts, by its own threads.
#[derive(Debug, Default)]
pub struct IngestMetrics {
    /// Records, or tickers in one, that could not be read, by [`Unreadable::REASONS`].
    pub unreadable: [AtomicU64; Unreadable::REASONS.len()],
    /// Records without a tick, by [`NoTickKind::ALL`].
    pub records_without_tick: [AtomicU64; NoTickKind::ALL.len()],
    /// Times without a zone.
    pub times_zoneless: AtomicU64,
    /// Messages missing by sequence number.
    pub sequence_missing: AtomicU64,
    /// Symbols seen in two partitions.
    pub symbols_split: AtomicU64,
    /// Ticks of symbols beyond the table's bound.
    pub ticks_refused: AtomicU64,
    /// Ticks for a shard that has ended.
    pub ticks_undelivered: AtomicU64,
    /// Times a source waited for a full shard.
    pub waits_full: AtomicU64,
}

impl IngestMetrics {
    /// What could not be read, for any reason.
    pub fn unreadable_total(&self) -> u64 {
        self.unreadable.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Records without a tick, of any kind.
    pub fn without_tick_total(&self) -> u64 {
        self.records_without_tick.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Counts a symbol that turned out to be in two partitions.
    pub fn note_split(&self, symbol: &str) {
        self.symbols_split.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(symbol, "the symbol's records are in two partitions: each has a part of its state");
    }
}

/// Everything the engine counts.
#[derive(Debug, Clone)]
pub struct EngineMetrics {
    /// One a shard.
    pub shards: Vec<Arc<ShardMetrics>>,
    /// The sources'.
    pub ingest: Arc<IngestMetrics>,
    /// The Kafka lanes'.
    pub lanes: Arc<LaneMetrics>,
}

impl EngineMetrics {
    /// Newest event time of any symbol, nanoseconds since 1970-01-01; 0 while no symbol has had a tick.
    pub fn newest_tick_nanos(&self) -> u64 {
        self.shards.iter().map(|shard| shard.newest_tick_nanos.get()).max().unwrap_or(0)
    }

    /// How long ago a shard last accepted a tick, whatever that tick's event time; `None` before the first.
    pub fn newest_arrival_ago(&self, now: Instant) -> Option<Duration> {
        self.shards.iter().filter_map(|shard| shard.newest_arrival.elapsed_at(now)).min()
    }

    /// Whether any symbol has had a probability, from a tick or in the state that was restored.
    pub fn has_had_probability(&self) -> bool {
        let counts = |shard: &ShardMetrics| {
            shard.predictions_spike.get()
                + shard.predictions_calm.get()
                + shard.restored_with_probability.get()
        };
        self.shards.iter().any(|shard| counts(shard) > 0)
    }

    /// Whether a tick was accepted or a state restored since the start.
    pub fn has_held_symbols(&self) -> bool {
        self.ticks_accepted() > 0 || self.shards.iter().any(|shard| shard.restored.get() > 0)
    }

    /// Ticks that entered a state since the start.
    pub fn ticks_accepted(&self) -> u64 {
        self.shards.iter().map(|shard| shard.ticks_accepted.get()).sum()
    }
}
