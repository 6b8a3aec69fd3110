//! What a tick costs a shard, and a symbol's memory.

use std::{
    fs,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use engine::{Engine, ingest::Ingest, source::TickSink, sys, tick::NANOS_PER_SECOND};
use serde::Serialize;

use super::{
    market::Market,
    measure::{CapacityError, Sizes},
    spread::Spread,
};
use crate::metrics::resident_bytes;

/// Nothing new for so long is a hang.
const HANG: Duration = Duration::from_secs(30);
/// How often the counts are looked at.
const LOOK: Duration = Duration::from_micros(500);

/// What ticks cost.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TicksReport {
    /// Symbols that they belonged to.
    pub symbols: usize,
    /// Ticks of one repetition.
    pub ticks: u64,
    /// Nanoseconds of processor time of a shard's thread for a tick: mailbox, state, features, score.
    pub nanos_per_tick: Spread,
    /// Ticks a second that one core holds, all of it.
    pub per_core_per_s: f64,
    /// Whether each was scored by the model; without, it scores rows only.
    pub is_scored: bool,
    /// Resident bytes that a symbol added.
    pub bytes_per_symbol: u64,
    /// Ticks a second and symbol in this market.
    pub ticks_per_symbol_per_s: f64,
}

/// Totals over the shards.
#[derive(Clone, Copy, Debug)]
struct Counts {
    accepted: u64,
    scored: u64,
    /// Processor time of the shards' threads; their steps' time where the kernel keeps no account.
    working_nanos: u64,
}

/// What waited for a processor that others had is not in it.
fn processor_nanos() -> Option<u64> {
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

fn counts(engine: &Engine) -> Counts {
    let shards = &engine.handle().metrics.shards;
    let total = |count: fn(&engine::metrics::ShardMetrics) -> u64| shards.iter().map(|s| count(s)).sum();
    Counts {
        accepted: total(|shard| shard.ticks_accepted.get()),
        scored: total(|shard| shard.rows_scored.get()),
        working_nanos: processor_nanos().unwrap_or_else(|| total(|shard| shard.step_nanos.get())),
    }
}

/// Waits until the shards have taken so many ticks and sleep: their account is whole then.
fn await_accepted(engine: &Engine, accepted: u64) -> Result<Counts, CapacityError> {
    let (mut last, mut newest) = (counts(engine), Instant::now());
    loop {
        let now = counts(engine);
        if now.accepted >= accepted && now.working_nanos == last.working_nanos {
            return Ok(now);
        }
        if now.accepted != last.accepted {
            newest = Instant::now();
        }
        if newest.elapsed() > HANG {
            return Err(CapacityError::Wrong(format!(
                "the shards accepted {} of {accepted} ticks and stopped",
                now.accepted
            )));
        }
        last = now;
        // Long beside a step.
        std::thread::sleep(LOOK);
    }
}

/// Fills the symbols' windows, then counts what further ticks cost.
pub(super) fn measure(
    engine: &Engine,
    ingest: &mut Ingest,
    market: &mut Market,
    sizes: &Sizes,
    is_scored: bool,
) -> Result<TicksReport, CapacityError> {
    let (begun_ns, before_bytes) = (market.simulated_until().nanos(), resident_bytes());
    let mut fed = 0;
    while market.simulated_until().nanos() - begun_ns <= sizes.history_s * NANOS_PER_SECOND {
        market.next(ingest);
        fed += 1;
    }
    ingest.flush();
    let mut before = await_accepted(engine, fed)?;
    let symbols = engine.handle().metrics.shards.iter().map(|shard| shard.symbols.get()).sum::<u64>();
    if symbols != sizes.symbols as u64 {
        return Err(CapacityError::Wrong(format!("{symbols} symbols have state, not {}", sizes.symbols)));
    }
    let bytes_per_symbol = resident_bytes().saturating_sub(before_bytes) / symbols;
    let seconds = (market.simulated_until().nanos() - begun_ns) as f64 / 1e9;
    let ticks_per_symbol_per_s = fed as f64 / seconds / symbols as f64;

    let mut nanos = Vec::with_capacity(sizes.repetitions);
    for _ in 0..sizes.repetitions {
        for _ in 0..sizes.ticks {
            market.next(ingest);
        }
        ingest.flush();
        let after = await_accepted(engine, before.accepted + sizes.ticks)?;
        let (accepted, scored) = (after.accepted - before.accepted, after.scored - before.scored);
        if accepted != sizes.ticks || (is_scored && scored != accepted) {
            return Err(CapacityError::Wrong(format!(
                "of {} ticks {accepted} were accepted and {scored} scored",
                sizes.ticks
            )));
        }
        nanos.push((after.working_nanos - before.working_nanos) as f64 / accepted as f64);
        before = after;
    }
    let refused = engine.handle().metrics.ingest.ticks_refused.load(Ordering::Relaxed);
    if refused > 0 {
        return Err(CapacityError::Wrong(format!("{refused} ticks were refused")));
    }
    let nanos_per_tick = Spread::of(nanos);
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
