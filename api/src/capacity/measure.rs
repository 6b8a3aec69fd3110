//! One measurement, from the start of an engine to its end.

use engine::{Engine, EngineSettings, bound_model::BoundModel, settings::RunSettings, stop::StopToken};

use super::{
    machine::Machine,
    market::Market,
    noise::NoiseMonitor,
    plan::{Measured, Plan},
    report::{ModelBody, Report},
    requests, rows,
    settings::{CapacityError, Settings, Sizes},
    ticks,
};
use crate::wiring;

/// Measures ticks, rows and requests in turn, then plans. `progress` is called with the name of each phase as it
/// begins.
pub(crate) fn measure(
    settings: &Settings<'_>,
    interrupt: &StopToken,
    mut progress: impl FnMut(&str),
) -> Result<Report, CapacityError> {
    let machine = Machine::detect();
    let noise = NoiseMonitor::start();
    let sizes = settings.sizes;
    let run = &settings.config.engine;
    let engine_settings = EngineSettings {
        // Without a topic, the settings define the number of partitions.
        run: RunSettings { symbols_max: run.symbols_max.max(sizes.symbols), ..run.clone() },
        baseline: settings.baseline.clone(),
        ..wiring::engine_settings(settings.config)
    };
    let is_scored = BoundModel::new(settings.model.clone()).is_ok();
    let engine = Engine::start(&engine_settings, Some(settings.model.clone()))?;
    let mut intake = engine.intake();
    let mut market = Market::new(sizes.symbols, sizes.history_s);
    progress("ticks");
    let ticks = ticks::measure(&engine, &mut intake, &mut market, &sizes, is_scored)?;
    fail_if_stopped(interrupt)?;
    progress("rows");
    let rows = rows::measure(engine.handle(), &settings.model, &sizes)?;
    fail_if_stopped(interrupt)?;
    progress("requests");
    let requests = requests::measure(&engine, settings, intake, market, interrupt)?;
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
        model: ModelBody::new(&settings.model),
        runtime: engine.handle().runtime.name,
        runtime_reason: engine.handle().runtime.reason.clone(),
        threads: engine.plan().sentence.clone(),
        plan: Plan::new(&measured),
        needed: settings.load.map(|load| measured.requirements(load)),
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

fn fail_if_stopped(interrupt: &StopToken) -> Result<(), CapacityError> {
    if interrupt.is_stopped() { Err(CapacityError::Interrupted) } else { Ok(()) }
}
