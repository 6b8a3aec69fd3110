//! The engine's counters, and the list of its metrics.
//!
//! A shard owns one [`ShardMetrics`] and is its only writer; a scrape sums the shards. Map: `cell` the type of one
//! counter, `series` how a metric is declared (the HTTP service declares its own in the same way), `list` each metric
//! of the engine once.

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
    live_report::LiveReport,
};

/// The counters of one shard.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct ShardMetrics {
    /// Ticks that entered a state.
    pub ticks_accepted: NumberCell,
    /// Ticks older than their symbol's newest.
    pub ticks_late: NumberCell,
    /// Ticks whose trade id was among the last 1,024.
    pub ticks_repeated: NumberCell,
    /// Ticks more than an hour after their symbol's newest that no tick beside them confirms.
    pub ticks_jump: NumberCell,
    /// Ticks whose price is far from their symbol's newest and that no tick beside them confirms.
    pub ticks_outlier: NumberCell,
    /// Ticks with a number that has more digits than its symbol's scale.
    pub digits_dropped: NumberCell,
    /// Ticks with a quantity too large for its symbol's scale.
    pub quantities_clipped: NumberCell,
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
    /// Grid rows whose outcome became known as a spike.
    pub outcomes_spike: NumberCell,
    /// Grid rows whose outcome became known as no spike.
    pub outcomes_calm: NumberCell,
    /// Silences longer than the limit, which invalidate their seconds.
    pub gaps: NumberCell,
    /// Trades whose taker side was inferred.
    pub sides_inferred: NumberCell,
    /// Symbols with state.
    pub symbols: NumberCell,
    /// Symbols with state whose prices are simulated.
    pub symbols_simulated: NumberCell,
    /// Newest event time of the shard's symbols, nanoseconds since 1970-01-01; 0 while no symbol has had a tick.
    pub newest_tick_nanos: NumberCell,
    /// Start of the last step that accepted a tick.
    pub newest_arrival: InstantCell,
    /// Symbol states that were restored from snapshots.
    pub restored: NumberCell,
    /// Restored states that have a probability.
    pub restored_with_probability: NumberCell,
    /// Questions dropped because their deadline had passed or the asker was gone.
    pub questions_expired: NumberCell,
    /// Steps taken.
    pub steps: NumberCell,
    /// Nanoseconds spent in steps.
    pub step_nanos: NumberCell,
    /// Times the watchdog woke this shard although it had messages (only the watchdog writes it).
    pub rewakes: NumberCell,
}

/// The counters of ingestion, written by the threads of sources and lanes.
#[derive(Debug, Default)]
pub struct IngestMetrics {
    /// Records, or tickers in one, that could not be read, by [`Unreadable::REASONS`].
    pub unreadable: [AtomicU64; Unreadable::REASONS.len()],
    /// Records without a tick, by [`NoTickKind::ALL`].
    pub records_without_tick: [AtomicU64; NoTickKind::ALL.len()],
    /// Ticks whose time has no zone and was taken as UTC.
    pub times_zoneless: AtomicU64,
    /// Messages missing according to the sequence numbers.
    pub sequence_missing: AtomicU64,
    /// Symbols seen in more than one partition.
    pub symbols_split: AtomicU64,
    /// Ticks of symbols for which the table of symbols has no room.
    pub ticks_refused: AtomicU64,
    /// Ticks whose shard had ended.
    pub ticks_undelivered: AtomicU64,
    /// Ticks that left the reorder buffer before their time, because it was full.
    pub reorder_early: AtomicU64,
    /// Times a source waited because a shard's queue was full.
    pub waits_full: AtomicU64,
}

impl IngestMetrics {
    /// Records and tickers that could not be read, by reason.
    pub fn unreadable_by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.unreadable.iter().map(|count| count.load(Ordering::Relaxed));
        Unreadable::REASONS.into_iter().zip(counts)
    }

    /// Records and tickers that could not be read, for any reason.
    pub fn unreadable_total(&self) -> u64 {
        self.unreadable.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Records without a tick, of any kind.
    pub fn without_tick_total(&self) -> u64 {
        self.records_without_tick.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Counts and logs a symbol that was seen in a second partition.
    pub fn note_split(&self, symbol: &str) {
        self.symbols_split.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(symbol, "the symbol's records are in two partitions: each has a part of its state");
    }
}

/// All counters of the engine.
#[derive(Debug, Clone)]
pub struct EngineMetrics {
    /// The counters of each shard.
    pub shards: Vec<Arc<ShardMetrics>>,
    /// The counters of ingestion.
    pub ingest: Arc<IngestMetrics>,
    /// The counters of the Kafka lanes.
    pub lanes: Arc<LaneMetrics>,
    /// The connections of live feeds.
    pub live: Arc<LiveReport>,
}

impl EngineMetrics {
    /// Newest event time of any symbol, nanoseconds since 1970-01-01; 0 while no symbol has had a tick.
    pub fn newest_tick_nanos(&self) -> u64 {
        self.shards.iter().map(|shard| shard.newest_tick_nanos.get()).max().unwrap_or(0)
    }

    /// Time since a shard last accepted a tick, whatever that tick's event time; `None` before the first.
    pub fn newest_arrival_ago(&self, now: Instant) -> Option<Duration> {
        self.shards.iter().filter_map(|shard| shard.newest_arrival.elapsed_at(now)).min()
    }

    /// Whether any symbol has had a probability, from a tick or in a restored state.
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
