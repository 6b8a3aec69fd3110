//! Measures the processor time that a tick takes in a shard, and the memory of a symbol.

use std::{
    fs,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use engine::{Engine, intake::Intake, intake::TickSink, sys, tick::NANOS_PER_SECOND};
use serde::Serialize;

use super::{
    market::Market,
    settings::{CapacityError, Sizes},
    spread::Spread,
};
use crate::metrics::resident_bytes;

/// Longest time in which the shards may accept no tick before the measurement fails.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Interval at which the counts are read: long compared with a step of a shard.
const POLL_INTERVAL: Duration = Duration::from_micros(500);

/// Processor time and memory that ticks and symbols take.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TicksReport {
    /// Symbols of the market.
    pub symbols: usize,
    /// Ticks of one repetition.
    pub ticks: u64,
    /// Nanoseconds of processor time of a shard's thread for one tick: mailbox, state, features, score.
    pub nanos_per_tick: Spread,
    /// Ticks a second that one fully used core processes.
    pub per_core_per_s: f64,
    /// Whether the model scored each tick. False for a model of other features, which scores posted rows only.
    pub is_scored: bool,
    /// Resident bytes that a symbol added.
    pub bytes_per_symbol: u64,
    /// Ticks a second of one symbol in this market, on average.
    pub ticks_per_symbol_per_s: f64,
}

/// Counters, summed over the shards.
#[derive(Clone, Copy, Debug)]
struct Counts {
    accepted: u64,
    scored: u64,
    /// Processor time of the shards' threads; wall time of their steps if the kernel keeps no account of threads.
    working_nanos: u64,
}

/// Processor time of all shard threads, without the time spent waiting for a processor. `None` if the kernel keeps no
/// account.
fn shard_processor_nanos() -> Option<u64> {
    let mut nanos = 0;
    for thread in fs::read_dir("/proc/self/task").ok()?.flatten() {
        let name = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        if name.starts_with("shard-") {
            let id = thread.file_name().to_str()?.parse().ok()?;
            nanos += sys::sched_stat(id)?.on_cpu.as_nanos() as u64;
        }
    }
    (nanos > 0).then_some(nanos)
}

fn read_counts(engine: &Engine) -> Counts {
    let shards = &engine.handle().metrics.shards;
    let total = |count: fn(&engine::metrics::ShardMetrics) -> u64| shards.iter().map(|s| count(s)).sum();
    Counts {
        accepted: total(|shard| shard.ticks_accepted.get()),
        scored: total(|shard| shard.rows_scored.get()),
        working_nanos: shard_processor_nanos().unwrap_or_else(|| total(|shard| shard.step_nanos.get())),
    }
}

/// Waits until the shards have accepted `accepted` ticks and their processor time stands still: only then is it
/// complete.
fn await_accepted(engine: &Engine, accepted: u64) -> Result<Counts, CapacityError> {
    let (mut last, mut newest) = (read_counts(engine), Instant::now());
    loop {
        let now = read_counts(engine);
        if now.accepted >= accepted && now.working_nanos == last.working_nanos {
            return Ok(now);
        }
        if now.accepted != last.accepted {
            newest = Instant::now();
        }
        if newest.elapsed() > STALL_TIMEOUT {
            return Err(CapacityError::Invalid(format!(
                "the shards accepted {} of {accepted} ticks and stopped",
                now.accepted
            )));
        }
        last = now;
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Fills the symbols' windows with their history, then measures further ticks.
pub(super) fn measure(
    engine: &Engine,
    intake: &mut Intake,
    market: &mut Market,
    sizes: &Sizes,
    is_scored: bool,
) -> Result<TicksReport, CapacityError> {
    let (begun_ns, before_bytes) = (market.simulated_until().nanos(), resident_bytes());
    let mut fed = 0;
    while market.simulated_until().nanos() - begun_ns <= sizes.history_s * NANOS_PER_SECOND {
        market.feed_next(intake);
        fed += 1;
    }
    intake.flush();
    let mut before = await_accepted(engine, fed)?;
    let symbols = engine.handle().metrics.shards.iter().map(|shard| shard.symbols.get()).sum::<u64>();
    if symbols != sizes.symbols as u64 {
        return Err(CapacityError::Invalid(format!("{symbols} symbols have state, not {}", sizes.symbols)));
    }
    let bytes_per_symbol = resident_bytes().saturating_sub(before_bytes) / symbols;
    let seconds = (market.simulated_until().nanos() - begun_ns) as f64 / 1e9;
    let ticks_per_symbol_per_s = fed as f64 / seconds / symbols as f64;

    let mut nanos = Vec::with_capacity(sizes.repetitions);
    for _ in 0..sizes.repetitions {
        for _ in 0..sizes.ticks {
            market.feed_next(intake);
        }
        intake.flush();
        let after = await_accepted(engine, before.accepted + sizes.ticks)?;
        let (accepted, scored) = (after.accepted - before.accepted, after.scored - before.scored);
        if accepted != sizes.ticks || (is_scored && scored != accepted) {
            return Err(CapacityError::Invalid(format!(
                "of {} ticks {accepted} were accepted and {scored} scored",
                sizes.ticks
            )));
        }
        nanos.push((after.working_nanos - before.working_nanos) as f64 / accepted as f64);
        before = after;
    }
    let refused = engine.handle().metrics.ingest.ticks_refused.load(Ordering::Relaxed);
    if refused > 0 {
        return Err(CapacityError::Invalid(format!("{refused} ticks were refused")));
    }
    let nanos_per_tick = Spread::new(nanos);
    Ok(TicksReport {
        symbols: sizes.symbols,
        ticks: sizes.ticks,
        per_core_per_s: 1e9 / nanos_per_tick.median,
        nanos_per_tick,
        is_scored,
        bytes_per_symbol,
        ticks_per_symbol_per_s,
    })
}
