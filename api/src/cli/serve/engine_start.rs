//! The engine with its source, from the configuration.

use std::sync::Arc;

use engine::{
    handle::EngineHandle,
    run::{Engine, StartError},
    source::{Run, Source, SourceEnd},
    tick::EventTime,
};
use model::Model;

use super::{Exit, Failure};
use crate::{
    config::Config,
    http::{answer::wall_clock_nanos, app::ShardsAlive},
    wiring,
};

/// A running engine.
pub(super) struct Running {
    engine: Engine,
}

/// Starts shards and the source.
pub(super) fn start(config: &Config, model: Option<Arc<Model>>) -> Result<Running, Failure> {
    let source_config = wiring::source_config(config);
    let source = source_config
        .open()
        .map_err(|error| Failure::new(Exit::Configuration, format!("source: {error}")))?;
    let engine = Engine::start(&wiring::engine_settings(config), model).map_err(|error| match error {
        StartError::Settings(message) => Failure::new(Exit::Configuration, message),
        other => Failure::new(Exit::Failed, format!("cannot start the engine: {other}")),
    })?;
    let name = source_config.name();
    engine
        .spawn_source(name, move |mut ingest, stop| run_source(name, &source, &mut ingest, &stop))
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot start the source: {error}")))?;
    Ok(Running { engine })
}

fn run_source(
    name: &str,
    source: &Source,
    sink: &mut engine::ingest::Ingest,
    stop: &engine::source::StopToken,
) {
    let now = EventTime::from_nanos(wall_clock_nanos()).unwrap_or(EventTime::MAX);
    match source.run(&mut Run { now, sink, stop, progress: &mut () }) {
        Ok(SourceEnd::Finished) => tracing::info!(source = name, "the source has no more ticks"),
        Ok(SourceEnd::Stopped) => tracing::debug!(source = name, "the source stopped"),
        Err(error) => tracing::error!(source = name, %error, "the source failed; what it gave stays"),
    }
}

impl Running {
    pub(super) fn handle(&self) -> EngineHandle {
        self.engine.handle().clone()
    }

    /// One front thread an entry.
    pub(super) fn front_cpus(&self) -> &[Option<usize>] {
        &self.engine.plan().front_cpus
    }

    pub(super) fn shards_alive(&self) -> ShardsAlive {
        let handle = self.handle();
        Box::new(move || handle.shards_alive())
    }

    pub(super) fn stop(self) {
        self.engine.stop();
    }
}
