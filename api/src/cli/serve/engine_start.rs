//! The engine and its source, from the configuration.

use std::sync::Arc;

use engine::{
    Engine, EngineSettings, StartError,
    bound_model::BoundModel,
    handle::EngineHandle,
    intake::TickOutcomes,
    source::{Feeding, Source, SourceEnd, SourceThread},
    stop::StopToken,
    tick::EventTime,
};
use model::Model;

use super::{Exit, Failure};
use crate::{
    cli::progress::ReplayBar,
    config::Config,
    http::{App, SourceReport, SourceState, answer::wall_clock_nanos, app::ShardsAlive},
    model_file, shipped,
    tick_sum::TickSum,
    wiring,
};

/// A running engine, and the source that will feed it.
pub(super) struct Running {
    engine: Engine,
    source: Option<Source>,
}

/// Loads the baseline model, if `quality.fallback` is on.
pub(super) fn load_baseline(config: &Config) -> Result<Option<Arc<Model>>, Failure> {
    if !config.quality.feedback.fallback {
        return Ok(None);
    }
    let refuse = |what: String| Failure::new(Exit::Configuration, format!("quality.fallback_model {what}"));
    let (name, opened) = match config.quality.fallback_model.as_deref() {
        Some(path) => (path, model_file::open(path, config.model.map_above_bytes)),
        None => {
            let shipped = shipped::model("baseline").expect("a baseline is shipped");
            ("built in", shipped.map_err(|error| error.to_string()))
        }
    };
    let model = Arc::new(opened.map_err(refuse)?);
    BoundModel::new(model.clone()).map_err(|error| refuse(format!("{name}: {error}")))?;
    Ok(Some(model))
}

/// Checks the source and starts the shards; [`Running::feed`] starts the source.
pub(super) fn start(config: &Config, model: Option<Arc<Model>>) -> Result<Running, Failure> {
    let refuse = |message| Failure::new(Exit::Configuration, message);
    let source_config = wiring::source_config(config).map_err(refuse)?;
    let source = source_config.open().map_err(|error| refuse(error.to_string()))?;
    let settings = EngineSettings { baseline: load_baseline(config)?, ..wiring::engine_settings(config) };
    let engine = Engine::start(&settings, model).map_err(|error| match error {
        StartError::Settings(message) => Failure::new(Exit::Configuration, message),
        other => Failure::new(Exit::Failed, format!("cannot start the engine: {other}")),
    })?;
    Ok(Running { engine, source: Some(source) })
}

/// Runs one thread of the source to its end, and reports what became of its records.
fn run_source(
    thread: SourceThread,
    stop: &StopToken,
    engine: &EngineHandle,
    report: &SourceReport,
) -> SourceState {
    let name = thread.name().to_owned();
    let mut bar = ReplayBar::default();
    let ended = thread.run(stop, &mut bar);
    let tally = bar.tally();
    drop(bar);
    let mut outcomes = TickOutcomes::default();
    engine.metrics.shards.iter().for_each(|shard| outcomes = outcomes.and(TickOutcomes::of(shard)));
    let sum = TickSum { tally, outcomes: Some(outcomes) };
    if sum.tally.records > 0 {
        report.sum_up(sum.to_string());
    }
    match ended {
        Ok(SourceEnd::Finished) => match sum.failure() {
            Some(failure) => tracing::warn!(source = name, %sum, "the source has ended: {failure}"),
            None => tracing::info!(source = name, %sum, "the source has no more ticks"),
        },
        Ok(SourceEnd::Stopped) => tracing::debug!(source = name, "the source stopped"),
        Err(error) => {
            tracing::error!(source = name, %error, %sum, "the source failed; what it gave stays");
            return SourceState::Failed(error.to_string());
        }
    }
    SourceState::Finished
}

/// Reports a panic of the source's thread too, so that a source never stops unnoticed.
struct Telling(Arc<SourceReport>);

impl Drop for Telling {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.tell(SourceState::Failed("its thread panicked".to_owned()));
        }
    }
}

impl Running {
    /// Starts the threads of the source; their state is reported in the app's source report.
    pub(super) fn feed(&mut self, app: &App) -> Result<(), Failure> {
        let source = self.source.take().expect("the source is started once");
        let front_url = if source.is_shared() {
            let address = app.address().unwrap_or(app.config.server.listen);
            let url = wiring::advertised_url(&app.config, address);
            url.map_err(|message| Failure::new(Exit::Configuration, message))?
        } else {
            String::new()
        };
        let now = EventTime::from_nanos(wall_clock_nanos()).unwrap_or(EventTime::MAX);
        let reorder = app.config.source.reorder();
        let feeding = Feeding { engine: self.handle(), lanes: app.lanes.clone(), front_url, now, reorder };
        for thread in source.threads(feeding) {
            let (report, handle, name) = (app.source.clone(), self.handle(), thread.name().to_owned());
            let run = move |stop: StopToken| {
                let telling = Telling(report);
                let state = run_source(thread, &stop, &handle, &telling.0);
                telling.0.tell(state);
            };
            self.engine
                .spawn_source(&name, run)
                .map_err(|error| Failure::new(Exit::Failed, format!("cannot start the source: {error}")))?;
        }
        Ok(())
    }

    pub(super) fn handle(&self) -> EngineHandle {
        self.engine.handle().clone()
    }

    /// The CPU of each front thread; `None` if it is not pinned.
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
