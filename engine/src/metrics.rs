//! The list of the engine's metrics: each is declared once, with its unit and meaning.
//!
//! A shard owns one [`ShardMetrics`] and is its only writer; a scrape sums the shards.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    decode::{NoTickKind, Unreadable},
    lane::{LaneMetrics, TransactionOutcome},
    source::SourceEvent,
};

/// A counter with one writer: a load and a store, no locked instruction.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds; only the owning thread may call this.
    pub fn add(&self, amount: u64) {
        self.0.store(self.0.load(Ordering::Relaxed) + amount, Ordering::Relaxed);
    }

    /// The count so far, from any thread.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets a gauge kept in this cell; only the owning thread may call this.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Raises a gauge kept in this cell to `value`, unless it is higher; only the owning thread may call this.
    pub fn raise(&self, value: u64) {
        self.set(self.get().max(value));
    }
}

/// An instant kept in a counter: nanoseconds on the process's monotonic clock, 0 for "never".
#[derive(Debug, Default)]
pub struct InstantCell(Counter);

/// Where the nanoseconds of every [`InstantCell`] begin.
static CLOCK_START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl InstantCell {
    /// Notes an instant; only the owning thread may call this.
    pub fn note(&self, at: Instant) {
        // Never 0, also for the instant at which the clock was first read.
        let nanos = at.saturating_duration_since(*CLOCK_START).as_nanos() as u64;
        self.0.set(nanos.saturating_add(1));
    }

    /// How long before `now` the noted instant was; `None` before the first note.
    pub fn elapsed_at(&self, now: Instant) -> Option<Duration> {
        let nanos = self.0.get().checked_sub(1)?;
        Some(now.saturating_duration_since(*CLOCK_START).saturating_sub(Duration::from_nanos(nanos)))
    }
}

/// What a shard counts.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct ShardMetrics {
    /// Ticks that entered a state.
    pub ticks_accepted: Counter,
    /// Ticks older than their symbol's newest.
    pub ticks_late: Counter,
    /// Ticks whose trade id was among the last 1,024.
    pub ticks_repeated: Counter,
    /// Ticks more than an hour ahead with none beside them.
    pub ticks_jump: Counter,
    /// Rows scored on ticks.
    pub rows_scored: Counter,
    /// Rows scored on grid instants.
    pub grid_rows_scored: Counter,
    /// Predictions with a probability and `spike` true.
    pub predictions_spike: Counter,
    /// Predictions with a probability and `spike` false.
    pub predictions_calm: Counter,
    /// Predictions without a probability yet.
    pub predictions_warming: Counter,
    /// Grid rows whose outcome became known, spike.
    pub outcomes_spike: Counter,
    /// Grid rows whose outcome became known, no spike.
    pub outcomes_calm: Counter,
    /// Silences that invalidated their seconds.
    pub gaps: Counter,
    /// Trades whose taker side was inferred.
    pub sides_inferred: Counter,
    /// Symbols with state.
    pub symbols: Counter,
    /// Of those, symbols whose prices are made up.
    pub symbols_simulated: Counter,
    /// Newest event time of the shard's symbols, nanoseconds since 1970-01-01; 0 while no symbol has had a tick.
    pub newest_tick_nanos: Counter,
    /// When the last step that accepted a tick began.
    pub newest_arrival: InstantCell,
    /// Symbol states that were restored from snapshots.
    pub restored: Counter,
    /// Of those, states with a probability.
    pub restored_with_probability: Counter,
    /// Questions dropped because their deadline had passed or nobody waited.
    pub questions_expired: Counter,
    /// Steps taken.
    pub steps: Counter,
    /// Nanoseconds in steps.
    pub step_nanos: Counter,
    /// Times an outside watchdog woke this shard although mail lay there (written by the watchdog only).
    pub rewakes: Counter,
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
    /// Counts what could not be read.
    pub fn count_unreadable(&self, reason: Unreadable) {
        if let Some(i) = Unreadable::REASONS.iter().position(|&known| known == reason.reason()) {
            self.unreadable[i].fetch_add(1, Ordering::Relaxed);
        }
    }

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

    /// Counts what a source reports.
    pub fn count(&self, event: SourceEvent) {
        let (counter, amount) = match event {
            SourceEvent::SequenceGap { missing } => (&self.sequence_missing, missing),
            SourceEvent::ZonelessTime => (&self.times_zoneless, 1),
            SourceEvent::NoTick(kind) => (&self.records_without_tick[kind as usize], 1),
        };
        counter.fetch_add(amount, Ordering::Relaxed);
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

/// What kind of value a metric holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
}

/// One labelled value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Label name and value, if the metric has a label.
    pub label: Option<(&'static str, String)>,
    /// The value, in the metric's unit.
    pub value: f64,
}

/// A declared metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, `stormglass_…`, unit and `_total` last.
    pub name: &'static str,
    /// Counter or gauge.
    pub kind: Kind,
    /// What it means, in one sentence.
    pub help: &'static str,
    /// Its values now.
    pub read: fn(&EngineMetrics) -> Vec<Sample>,
}

fn sum(metrics: &EngineMetrics, counter: fn(&ShardMetrics) -> &Counter) -> f64 {
    metrics.shards.iter().map(|shard| counter(shard).get()).sum::<u64>() as f64
}

fn one(value: f64) -> Vec<Sample> {
    vec![Sample { label: None, value }]
}

fn labelled(name: &'static str, values: &[(&str, f64)]) -> Vec<Sample> {
    values.iter().map(|&(v, value)| Sample { label: Some((name, v.to_owned())), value }).collect()
}

fn per_shard(metrics: &EngineMetrics, counter: fn(&ShardMetrics) -> &Counter) -> Vec<Sample> {
    let value = |(i, shard): (usize, &Arc<ShardMetrics>)| Sample {
        label: Some(("shard", i.to_string())),
        value: counter(shard).get() as f64,
    };
    metrics.shards.iter().enumerate().map(value).collect()
}

fn load(value: &AtomicU64) -> f64 {
    value.load(Ordering::Relaxed) as f64
}

fn signed(value: &AtomicI64) -> f64 {
    value.load(Ordering::Relaxed) as f64
}

/// All of the engine's metrics, in the order they are shown.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "stormglass_ticks_total",
        kind: Kind::Counter,
        help: "Ticks by what became of them.",
        read: |m| {
            labelled(
                "outcome",
                &[
                    ("accepted", sum(m, |s| &s.ticks_accepted)),
                    ("late", sum(m, |s| &s.ticks_late)),
                    ("repeated", sum(m, |s| &s.ticks_repeated)),
                    ("jump", sum(m, |s| &s.ticks_jump)),
                    ("unreadable", m.ingest.unreadable_total() as f64),
                ],
            )
        },
    },
    Metric {
        name: "stormglass_unreadable_total",
        kind: Kind::Counter,
        help: "Records, or tickers in one, that could not be read, by reason.",
        read: |m| {
            let counts = m.ingest.unreadable.iter().map(load);
            let values: Vec<(&str, f64)> = Unreadable::REASONS.into_iter().zip(counts).collect();
            labelled("reason", &values)
        },
    },
    Metric {
        name: "stormglass_sides_inferred_total",
        kind: Kind::Counter,
        help: "Trades whose taker side was inferred from the quote or the last price.",
        read: |m| one(sum(m, |s| &s.sides_inferred)),
    },
    Metric {
        name: "stormglass_ticks_undelivered_total",
        kind: Kind::Counter,
        help: "Ticks dropped because their shard had ended, or had no room when the source was stopped.",
        read: |m| one(load(&m.ingest.ticks_undelivered)),
    },
    Metric {
        name: "stormglass_rows_scored_total",
        kind: Kind::Counter,
        help: "Feature rows scored, on ticks and on the 5-second grid.",
        read: |m| {
            labelled("on", &[("tick", sum(m, |s| &s.rows_scored)), ("grid", sum(m, |s| &s.grid_rows_scored))])
        },
    },
    Metric {
        name: "stormglass_predictions_total",
        kind: Kind::Counter,
        help: "Predictions from ticks, by answer.",
        read: |m| {
            labelled(
                "answer",
                &[
                    ("spike", sum(m, |s| &s.predictions_spike)),
                    ("calm", sum(m, |s| &s.predictions_calm)),
                    ("warming", sum(m, |s| &s.predictions_warming)),
                ],
            )
        },
    },
    Metric {
        name: "stormglass_outcomes_total",
        kind: Kind::Counter,
        help: "Grid predictions whose outcome became known, by what happened.",
        read: |m| {
            labelled(
                "outcome",
                &[("spike", sum(m, |s| &s.outcomes_spike)), ("calm", sum(m, |s| &s.outcomes_calm))],
            )
        },
    },
    Metric {
        name: "stormglass_gaps_total",
        kind: Kind::Counter,
        help: "Silences longer than the limit, whose seconds were invalidated.",
        read: |m| one(sum(m, |s| &s.gaps)),
    },
    Metric {
        name: "stormglass_symbols",
        kind: Kind::Gauge,
        help: "Symbols with state, by shard.",
        read: |m| per_shard(m, |s| &s.symbols),
    },
    Metric {
        name: "stormglass_symbols_simulated",
        kind: Kind::Gauge,
        help: "Symbols with state whose prices are made up.",
        read: |m| one(sum(m, |s| &s.symbols_simulated)),
    },
    Metric {
        name: "stormglass_newest_tick_timestamp_seconds",
        kind: Kind::Gauge,
        help: "Newest event time of any symbol, restored ones too, seconds since 1970-01-01; 0 while no tick has ever come.",
        read: |m| one(m.newest_tick_nanos() as f64 * 1e-9),
    },
    Metric {
        name: "stormglass_symbol_split_total",
        kind: Kind::Counter,
        help: "Symbols whose records are in two partitions, here or with another instance; each counts once.",
        read: |m| one(load(&m.ingest.symbols_split)),
    },
    Metric {
        name: "stormglass_questions_expired_total",
        kind: Kind::Counter,
        help: "Questions a shard dropped because their deadline had passed or nobody waited.",
        read: |m| one(sum(m, |s| &s.questions_expired)),
    },
    Metric {
        name: "stormglass_shard_steps_total",
        kind: Kind::Counter,
        help: "Turns a shard took, by shard.",
        read: |m| per_shard(m, |s| &s.steps),
    },
    Metric {
        name: "stormglass_shard_busy_seconds_total",
        kind: Kind::Counter,
        help: "Seconds a shard spent working, by shard.",
        read: |m| {
            let mut samples = per_shard(m, |s| &s.step_nanos);
            samples.iter_mut().for_each(|s| s.value *= 1e-9);
            samples
        },
    },
    Metric {
        name: "stormglass_shard_rewakes_total",
        kind: Kind::Counter,
        help: "Times the watchdog woke a shard that slept although mail lay there.",
        read: |m| per_shard(m, |s| &s.rewakes),
    },
    Metric {
        name: "stormglass_records_without_tick_total",
        kind: Kind::Counter,
        help: "Source records of a kind that carries no tick, such as subscription confirmations, by kind.",
        read: |m| {
            let counts = m.ingest.records_without_tick.iter().map(load);
            let values: Vec<(&str, f64)> =
                NoTickKind::ALL.iter().map(|kind| kind.name()).zip(counts).collect();
            labelled("kind", &values)
        },
    },
    Metric {
        name: "stormglass_zoneless_times_total",
        kind: Kind::Counter,
        help: "Timestamps without a zone, read as UTC.",
        read: |m| one(load(&m.ingest.times_zoneless)),
    },
    Metric {
        name: "stormglass_sequence_missing_total",
        kind: Kind::Counter,
        help: "Messages missing by a connection's sequence numbers.",
        read: |m| one(load(&m.ingest.sequence_missing)),
    },
    Metric {
        name: "stormglass_ticks_refused_total",
        kind: Kind::Counter,
        help: "Ticks of symbols beyond the bound of the symbol table.",
        read: |m| one(load(&m.ingest.ticks_refused)),
    },
    Metric {
        name: "stormglass_kafka_connected",
        kind: Kind::Gauge,
        help: "1 while a broker answers the lanes.",
        read: |m| one(f64::from(u8::from(m.lanes.is_connected()))),
    },
    Metric {
        name: "stormglass_kafka_partitions",
        kind: Kind::Gauge,
        help: "Partitions of the ticks' topic that this process owns.",
        read: |m| one(signed(&m.lanes.partitions)),
    },
    Metric {
        name: "stormglass_kafka_partitions_paused",
        kind: Kind::Gauge,
        help: "Owned partitions that are paused because too many of their records cannot be read.",
        read: |m| one(signed(&m.lanes.partitions_paused)),
    },
    Metric {
        name: "stormglass_kafka_lag_records",
        kind: Kind::Gauge,
        help: "Records of the lanes' partitions that are not committed, by the log's end, also while a lane fails.",
        read: |m| one(signed(&m.lanes.lag_records)),
    },
    Metric {
        name: "stormglass_kafka_freshness_seconds",
        kind: Kind::Gauge,
        help: "At the last commit, the wall clock less the event time of its newest tick.",
        read: |m| one(signed(&m.lanes.freshness_nanos) * 1e-9),
    },
    Metric {
        name: "stormglass_kafka_records_total",
        kind: Kind::Counter,
        help: "Records read, by whether they were new or read again to rebuild state.",
        read: |m| {
            labelled(
                "read",
                &[("live", load(&m.lanes.records)), ("replayed", load(&m.lanes.records_replayed))],
            )
        },
    },
    Metric {
        name: "stormglass_kafka_predictions_total",
        kind: Kind::Counter,
        help: "Predictions committed to the predictions' topic.",
        read: |m| one(load(&m.lanes.predictions)),
    },
    Metric {
        name: "stormglass_kafka_transactions_total",
        kind: Kind::Counter,
        help: "Transactions by how they ended; the lane asks the broker what became of an indefinite one.",
        read: |m| {
            let counts = TransactionOutcome::ALL.iter().zip(&m.lanes.transactions);
            let values: Vec<(&str, f64)> = counts.map(|(&(_, name), count)| (name, load(count))).collect();
            labelled("outcome", &values)
        },
    },
    Metric {
        name: "stormglass_kafka_commit_seconds_total",
        kind: Kind::Counter,
        help: "Seconds spent in commits.",
        read: |m| one(load(&m.lanes.commit_nanos) * 1e-9),
    },
    Metric {
        name: "stormglass_kafka_dead_letters_total",
        kind: Kind::Counter,
        help: "Records put into the dead letters' topic.",
        read: |m| one(load(&m.lanes.dead_letters)),
    },
    Metric {
        name: "stormglass_kafka_rebalances_total",
        kind: Kind::Counter,
        help: "Assignments and revocations of partitions.",
        read: |m| one(load(&m.lanes.rebalances)),
    },
    Metric {
        name: "stormglass_kafka_lane_restarts_total",
        kind: Kind::Counter,
        help: "Times a lane began anew after a failure, from what the broker has.",
        read: |m| one(load(&m.lanes.restarts)),
    },
    Metric {
        name: "stormglass_kafka_restored_total",
        kind: Kind::Counter,
        help: "Partitions taken over, by where their state came from.",
        read: |m| {
            labelled(
                "from",
                &[
                    ("snapshots", load(&m.lanes.restored_snapshots)),
                    ("origin", load(&m.lanes.restored_origin)),
                    ("new_origin", load(&m.lanes.restored_new_origin)),
                    ("new_log", load(&m.lanes.restored_new_log)),
                ],
            )
        },
    },
    Metric {
        name: "stormglass_kafka_restore_seconds",
        kind: Kind::Gauge,
        help: "Seconds the last assignment took until all its partitions were live.",
        read: |m| one(load(&m.lanes.restore_nanos) * 1e-9),
    },
    Metric {
        name: "stormglass_kafka_snapshots_total",
        kind: Kind::Counter,
        help: "Symbol states written to the snapshots' topic.",
        read: |m| one(load(&m.lanes.snapshots)),
    },
    Metric {
        name: "stormglass_kafka_snapshot_bytes_total",
        kind: Kind::Counter,
        help: "Bytes of them.",
        read: |m| one(load(&m.lanes.snapshot_bytes)),
    },
    Metric {
        name: "stormglass_kafka_events_total",
        kind: Kind::Counter,
        help: "Events by whether they were written to their topic or dropped.",
        read: |m| {
            let (written, dropped) = (load(&m.lanes.events_written), load(&m.lanes.events_dropped));
            labelled("outcome", &[("written", written), ("dropped", dropped)])
        },
    },
    Metric {
        name: "stormglass_source_waits_total",
        kind: Kind::Counter,
        help: "Times a source waited because a shard's tick lane was full.",
        read: |m| one(load(&m.ingest.waits_full)),
    },
];
