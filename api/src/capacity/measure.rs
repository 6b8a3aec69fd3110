//! One measurement, from the start of an engine to its end.

use std::{sync::Arc, time::Duration};

use engine::{Engine, EngineSettings, StartError, bound_model::BoundModel, source::StopToken};
use model::Model;

use super::{
    machine::Machine,
    market::Market,
    noise::Noise,
    plan::{Load, Measured, Plan},
    report::{ModelBody, Report},
    requests, rows, ticks,
};
use crate::{config::Config, wiring};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CapacityError {
    /// The engine or the front does not start.
    #[error("cannot start what is to be measured: {0}")]
    Start(String),
    /// What was measured did not do what it should: its numbers mean nothing.
    #[error("what was measured is wrong, so its numbers mean nothing: {0}")]
    Wrong(String),
    /// The system gave no thread or no event queue.
    #[error("the system refuses: {0}")]
    System(#[from] std::io::Error),
    /// Somebody ended it.
    #[error("interrupted before there was an answer")]
    Interrupted,
}

impl From<StartError> for CapacityError {
    fn from(error: StartError) -> Self {
        Self::Start(error.to_string())
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Symbols of the market.
    pub symbols: usize,
    /// Seconds of their history: past these all windows that fill with ticks are full.
    pub history_s: i64,
    /// Ticks of a repetition.
    pub ticks: u64,
    /// Rows of a repetition.
    pub rows: usize,
    /// Repetitions.
    pub repetitions: usize,
    /// How long a rate of requests is tried.
    pub step: Duration,
    /// Connections.
    pub connections: usize,
}

impl Sizes {
    /// Half a minute.
    pub(crate) const FULL: Self = Self {
        symbols: 500,
        history_s: 1_100,
        ticks: 100_000,
        rows: 20_000,
        repetitions: 5,
        step: Duration::from_secs(1),
        connections: 32,
    };
    /// Seconds: to see that it works. Its numbers are rough, and windows are not full.
    pub(crate) const QUICK: Self = Self {
        symbols: 40,
        history_s: 400,
        ticks: 5_000,
        rows: 2_000,
        repetitions: 3,
        step: Duration::from_millis(200),
        connections: 8,
    };
}

/// What is measured and planned.
#[derive(Clone, Debug)]
pub(crate) struct Settings<'a> {
    /// As the service would have it.
    pub config: &'a Config,
    /// The model.
    pub model: Arc<Model>,
    /// The one that stands in, if the configuration asks for it.
    pub baseline: Option<Arc<Model>>,
    /// How much is measured.
    pub sizes: Sizes,
    /// Milliseconds at p99 that requests may take.
    pub p99_ms: f64,
    /// Right answers of a hundred requests.
    pub success_percent: f64,
    /// Share of what was measured that is planned with, 0.01 to 1.
    pub utilisation: f64,
    /// A load to plan for.
    pub load: Option<Load>,
}

/// Measures and plans; `told` hears what is being measured.
///
/// # Errors
/// [`CapacityError`].
pub(crate) fn measure(
    settings: &Settings<'_>,
    interrupt: &StopToken,
    mut told: impl FnMut(&str),
) -> Result<Report, CapacityError> {
    let machine = Machine::look();
    let noise = Noise::begin();
    let sizes = settings.sizes;
    let engine_settings = EngineSettings {
        symbols_max: settings.config.engine.symbols_max.max(sizes.symbols),
        // No topic says how many there are.
        partition_count: settings.config.engine.partitions,
        baseline: settings.baseline.clone(),
        ..wiring::engine_settings(settings.config)
    };
    let is_scored = BoundModel::new(settings.model.clone()).is_ok();
    let engine = Engine::start(&engine_settings, Some(settings.model.clone()))?;
    let mut ingest = engine.ingest();
    let mut market = Market::new(sizes.symbols, sizes.history_s);
    told("ticks");
    let ticks = ticks::measure(&engine, &mut ingest, &mut market, &sizes, is_scored)?;
    check(interrupt)?;
    told("rows");
    let rows = rows::measure(engine.handle(), &settings.model, &sizes)?;
    check(interrupt)?;
    told("requests");
    let requests = requests::measure(&engine, settings, ingest, market, interrupt)?;
    let measured = Measured {
        ticks_per_core_per_s: ticks.per_core_per_s,
        bytes_per_symbol: ticks.bytes_per_symbol,
        requests_per_front_per_s: requests.held_per_s / requests.front_threads as f64,
        shards: engine.plan().shard_cpus.len(),
        fronts: engine.plan().front_cpus.len(),
        memory_available_bytes: machine.memory_available_bytes,
        symbols_max: settings.config.engine.symbols_max,
        utilisation: settings.utilisation,
    };
    let report = Report {
        model: ModelBody::of(&settings.model),
        runtime: engine.handle().runtime.name,
        runtime_reason: engine.handle().runtime.reason.clone(),
        threads: engine.plan().sentence.clone(),
        plan: Plan::of(&measured),
        needed: settings.load.map(|load| measured.needed(load)),
        measured,
        machine,
        ticks,
        rows,
        requests,
        noise: noise.report(),
        is_quick: sizes == Sizes::QUICK,
    };
    engine.stop();
    Ok(report)
}

fn check(interrupt: &StopToken) -> Result<(), CapacityError> {
    if interrupt.is_stopped() { Err(CapacityError::Interrupted) } else { Ok(()) }
}
