//! The list of the engine's metrics.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::{EngineMetrics, Metric, NumberCell, Series, ShardMetrics};
use crate::{
    decode::{NoTickKind, Unreadable},
    lanes::TransactionOutcome,
    schemas::{RegistryMetrics, Schemas},
};

/// The sum of a counter over all shards.
fn sum(metrics: &EngineMetrics, cell: fn(&ShardMetrics) -> &NumberCell) -> f64 {
    metrics.shards.iter().map(|shard| cell(shard).get()).sum::<u64>() as f64
}

/// A counter of each shard, labelled with the shard's number.
fn shards(
    metrics: &EngineMetrics,
    cell: fn(&ShardMetrics) -> &NumberCell,
) -> impl Iterator<Item = (String, f64)> {
    metrics.shards.iter().enumerate().map(move |(shard, m)| (shard.to_string(), cell(m).get() as f64))
}

fn load(value: &AtomicU64) -> f64 {
    value.load(Ordering::Relaxed) as f64
}

fn signed(value: &AtomicI64) -> f64 {
    value.load(Ordering::Relaxed) as f64
}

/// The engine's metrics, in the order in which they are shown.
pub const METRICS: &[Metric<EngineMetrics>] = crate::metric_rows! {
    Counter "stormglass_ticks_total": "Ticks by outcome."
        => |m| Series::by("outcome", [
            ("accepted", sum(m, |s| &s.ticks_accepted)),
            ("late", sum(m, |s| &s.ticks_late)),
            ("repeated", sum(m, |s| &s.ticks_repeated)),
            ("jump", sum(m, |s| &s.ticks_jump)),
            ("outlier", sum(m, |s| &s.ticks_outlier)),
            ("unreadable", m.ingest.unreadable_total() as f64),
        ]);
    Counter "stormglass_unreadable_total": "Records, or tickers in one, that could not be read, by reason."
        => |m| Series::by("reason", Unreadable::REASONS.into_iter().zip(m.ingest.unreadable.iter().map(load)));
    Counter "stormglass_sides_inferred_total":
        "Trades whose taker side was inferred from the quote or the last price."
        => |m| Series::one(sum(m, |s| &s.sides_inferred));
    Counter "stormglass_numbers_rounded_total":
        "Ticks with a number that was not taken as written: it had more digits than prices and quantities of its symbol \
         are held with, or a quantity was too large and counts as the largest."
        => |m| Series::by("kind", [
            ("digits_dropped", sum(m, |s| &s.digits_dropped)),
            ("quantity_clipped", sum(m, |s| &s.quantities_clipped)),
        ]);
    Counter "stormglass_ticks_undelivered_total":
        "Ticks dropped because their shard had ended, or had no room when the source was stopped."
        => |m| Series::one(load(&m.ingest.ticks_undelivered));
    Counter "stormglass_rows_scored_total": "Feature rows scored, on ticks and on the 5-second grid."
        => |m| Series::by("on", [("tick", sum(m, |s| &s.rows_scored)), ("grid", sum(m, |s| &s.grid_rows_scored))]);
    Counter "stormglass_predictions_total": "Predictions from ticks, by answer."
        => |m| Series::by("answer", [
            ("spike", sum(m, |s| &s.predictions_spike)),
            ("calm", sum(m, |s| &s.predictions_calm)),
            ("warming", sum(m, |s| &s.predictions_warming)),
        ]);
    Counter "stormglass_outcomes_total": "Grid predictions whose outcome became known, by outcome."
        => |m| {
            let values = [("spike", sum(m, |s| &s.outcomes_spike)), ("calm", sum(m, |s| &s.outcomes_calm))];
            Series::by("outcome", values)
        };
    Counter "stormglass_gaps_total": "Silences longer than the limit, whose seconds were invalidated."
        => |m| Series::one(sum(m, |s| &s.gaps));
    Gauge "stormglass_symbols": "Symbols with state, by shard."
        => |m| Series::by("shard", shards(m, |s| &s.symbols));
    Gauge "stormglass_symbols_simulated": "Symbols with state whose prices are simulated."
        => |m| Series::one(sum(m, |s| &s.symbols_simulated));
    Gauge "stormglass_newest_tick_timestamp_seconds":
        "Newest event time of any symbol, including restored ones, seconds since 1970-01-01; 0 before the first tick."
        => |m| Series::one(m.newest_tick_nanos() as f64 * 1e-9);
    Counter "stormglass_symbol_split_total":
        "Symbols whose records are in two partitions, here or with another instance; each counts once."
        => |m| Series::one(load(&m.ingest.symbols_split));
    Counter "stormglass_questions_expired_total":
        "Questions a shard dropped because their deadline had passed or nobody waited."
        => |m| Series::one(sum(m, |s| &s.questions_expired));
    Counter "stormglass_shard_steps_total": "Turns a shard took, by shard."
        => |m| Series::by("shard", shards(m, |s| &s.steps));
    Counter "stormglass_shard_busy_seconds_total": "Seconds a shard spent working, by shard."
        => |m| Series::by("shard", shards(m, |s| &s.step_nanos).map(|(shard, nanos)| (shard, nanos * 1e-9)));
    Counter "stormglass_shard_rewakes_total": "Times the watchdog woke a shard that slept although it had messages."
        => |m| Series::by("shard", shards(m, |s| &s.rewakes));
    Counter "stormglass_records_without_tick_total":
        "Source records of a kind that carries no tick, such as subscription confirmations, by kind."
        => |m| {
            let values = NoTickKind::ALL.iter().map(|kind| kind.name()).zip(m.ingest.records_without_tick.iter().map(load));
            Series::by("kind", values)
        };
    Counter "stormglass_zoneless_times_total": "Timestamps without a zone, read in that of source.assume_tz."
        => |m| Series::one(load(&m.ingest.times_zoneless));
    Counter "stormglass_sequence_missing_total": "Messages missing by a connection's sequence numbers, where a file or a partition holds the whole connection."
        => |m| Series::one(load(&m.ingest.sequence_missing));
    Counter "stormglass_ticks_refused_total": "Ticks of symbols beyond the bound of the symbol table."
        => |m| Series::one(load(&m.ingest.ticks_refused));
    Counter "stormglass_reorder_early_total":
        "Ticks that left the reorder buffer (source.reorder_ms) before their time, because it was full."
        => |m| Series::one(load(&m.ingest.reorder_early));
    Gauge "stormglass_kafka_connected": "1 while a broker answers the lanes."
        => |m| Series::one(f64::from(u8::from(m.lanes.is_connected())));
    Gauge "stormglass_kafka_partitions": "Partitions of the ticks' topic that this process owns."
        => |m| Series::one(signed(&m.lanes.partitions));
    Gauge "stormglass_kafka_partitions_paused":
        "Owned partitions that are paused because too many of their records cannot be read."
        => |m| Series::one(signed(&m.lanes.partitions_paused));
    Gauge "stormglass_kafka_partitions_waiting":
        "Owned partitions whose next record waits for its schema."
        => |m| Series::one(signed(&m.lanes.partitions_waiting));
    Counter "stormglass_schema_questions_total": "Questions to the Schema Registry, by what it answered."
        => |m| {
            let metrics = m.lanes.schemas.get().and_then(Schemas::metrics);
            let of = |count: fn(&RegistryMetrics) -> &AtomicU64| metrics.map_or(0.0, |metrics| load(count(metrics)));
            Series::by("answer", [("found", of(|m| &m.found)), ("unknown", of(|m| &m.unknown)), ("none", of(|m| &m.failed))])
        };
    Gauge "stormglass_kafka_lag_records":
        "Records of the lanes' partitions that are not committed, by the log's end, also while a lane fails."
        => |m| Series::one(signed(&m.lanes.lag_records));
    Gauge "stormglass_kafka_freshness_seconds":
        "At the last commit, the wall clock minus the event time of its newest tick."
        => |m| Series::one(signed(&m.lanes.freshness_nanos) * 1e-9);
    Counter "stormglass_kafka_records_total": "Records read, by whether they were new or read again to rebuild state."
        => |m| Series::by("read", [("live", load(&m.lanes.records)), ("replayed", load(&m.lanes.records_replayed))]);
    Counter "stormglass_kafka_predictions_total": "Predictions committed to the predictions' topic."
        => |m| Series::one(load(&m.lanes.predictions));
    Counter "stormglass_kafka_transactions_total":
        "Transactions by outcome; after an indefinite one the lane restarts from what the broker has committed."
        => |m| {
            let names = TransactionOutcome::ALL.iter().map(|(_, name)| *name);
            Series::by("outcome", names.zip(m.lanes.transactions.iter().map(load)))
        };
    Counter "stormglass_kafka_commit_seconds_total": "Seconds spent in commits."
        => |m| Series::one(load(&m.lanes.commit_nanos) * 1e-9);
    Counter "stormglass_kafka_dead_letters_total": "Records put into the dead letters' topic."
        => |m| Series::one(load(&m.lanes.dead_letters));
    Counter "stormglass_kafka_rebalances_total": "Assignments and revocations of partitions."
        => |m| Series::one(load(&m.lanes.rebalances));
    Counter "stormglass_kafka_lane_restarts_total":
        "Times a lane restarted after a failure, from what the broker has committed."
        => |m| Series::one(load(&m.lanes.restarts));
    Counter "stormglass_kafka_restored_total": "Partitions taken over, by the source of their state."
        => |m| Series::by("from", [
            ("snapshots", load(&m.lanes.restored_snapshots)),
            ("origin", load(&m.lanes.restored_origin)),
            ("new_origin", load(&m.lanes.restored_new_origin)),
            ("new_log", load(&m.lanes.restored_new_log)),
        ]);
    Gauge "stormglass_kafka_restore_seconds": "Seconds the last assignment took until all its partitions were live."
        => |m| Series::one(load(&m.lanes.restore_nanos) * 1e-9);
    Counter "stormglass_kafka_snapshots_total": "Symbol states written to the snapshots' topic."
        => |m| Series::one(load(&m.lanes.snapshots));
    Counter "stormglass_kafka_snapshot_bytes_total": "Bytes of the symbol states written to the snapshots' topic."
        => |m| Series::one(load(&m.lanes.snapshot_bytes));
    Counter "stormglass_kafka_events_total": "Events by whether they were written to their topic or dropped."
        => |m| {
            let values = [("written", load(&m.lanes.events_written)), ("dropped", load(&m.lanes.events_dropped))];
            Series::by("outcome", values)
        };
    Gauge "stormglass_live_connections": "Connections of live feeds by what they do."
        => |m| Series::by("state", m.live.by_state());
    Counter "stormglass_live_messages_total": "Messages of live feeds, by venue."
        => |m| Series::by("venue", m.live.by_venue(|connection| load(&connection.messages)));
    Counter "stormglass_live_missing_total":
        "Messages or trades of live feeds that are missing by the connection's or the products' own numbers, by venue."
        => |m| Series::by("venue", m.live.by_venue(|connection| load(&connection.missing)));
    Counter "stormglass_live_reconnects_total": "Sockets of live feeds opened after the first of a connection, by venue."
        => |m| Series::by("venue", m.live.by_venue(|connection| load(&connection.reconnects)));
    Counter "stormglass_live_doubled_total":
        "Messages of live feeds that came by two overlapping sockets and were passed on once, by venue."
        => |m| Series::by("venue", m.live.by_venue(|connection| load(&connection.doubled)));
    Counter "stormglass_live_oversized_total": "Frames of live feeds beyond 16 MiB, each of which ended a socket, by venue."
        => |m| Series::by("venue", m.live.by_venue(|connection| load(&connection.oversized)));
    Counter "stormglass_live_backfilled_total": "Past trades taken by REST, by venue."
        => |m| Series::by("venue", m.live.by_venue(|connection| load(&connection.backfilled)));
    Counter "stormglass_live_backfills_failed_total": "Backfills that failed or were cut short, by venue."
        => |m| Series::by("venue", m.live.by_venue(|connection| load(&connection.backfills_failed)));
    Gauge "stormglass_live_refused_products": "Products that a venue refuses, by venue."
        => |m| Series::by("venue", m.live.by_venue(|connection| connection.standing().refused.len() as f64));
    Gauge "stormglass_live_lag_seconds":
        "At the newest tick, the wall clock less the venue's own time; the largest of a venue's connections."
        => |m| Series::by("venue", m.live.lag_by_venue());
    Counter "stormglass_source_waits_total": "Times a source waited because a shard's tick queue was full."
        => |m| Series::one(load(&m.ingest.waits_full));
};
