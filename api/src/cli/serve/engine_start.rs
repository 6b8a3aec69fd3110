//! The engine and its source, from the configuration.

use std::sync::Arc;

#[cfg(feature = "kafka")]
use engine::kafka::KafkaSettings;
use engine::{
    Engine, EngineSettings, StartError,
    bound_model::BoundModel,
    handle::EngineHandle,
    ingest::Ingest,
    source::{Run, Source, SourceEnd, StopToken, TickOutcomes},
    tick::EventTime,
};
use model::Model;

use super::{Exit, Failure};
#[cfg(feature = "kafka")]
use crate::config::sections::SourceKind;
use crate::{
    cli::progress::ReplayBar,
    config::Config,
    http::{App, SourceReport, SourceState, answer::wall_clock_nanos, app::ShardsAlive},
    model_file, shipped,
    tick_sum::TickSum,
    wiring,
};

/// A running engine, and the source that is to feed it.
pub(super) struct Running {
    engine: Engine,
    source: Option<(&'static str, Source)>,
}

/// The model that stands in where the loaded one does worse, if that is asked for.
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
    let source_config = wiring::source_config(config);
    let source = source_config
        .open()
        .map_err(|error| Failure::new(Exit::Configuration, format!("source: {error}")))?;
    let settings = EngineSettings { baseline: load_baseline(config)?, ..wiring::engine_settings(config) };
    let engine = Engine::start(&settings, model).map_err(|error| match error {
        StartError::Settings(message) => Failure::new(Exit::Configuration, message),
        other => Failure::new(Exit::Failed, format!("cannot start the engine: {other}")),
    })?;
    Ok(Running { engine, source: Some((source_config.name(), source)) })
}

/// Runs the source to its end, and says what became of its records once the shards have taken its ticks.
fn run_source(
    (name, source): (&str, &Source),
    sink: &mut Ingest,
    stop: &StopToken,
    engine: &EngineHandle,
    report: &SourceReport,
) -> SourceState {
    let now = EventTime::from_nanos(wall_clock_nanos()).unwrap_or(EventTime::MAX);
    let mut bar = ReplayBar::default();
    let ended = source.run(&mut Run { now, sink, stop, progress: &mut bar });
    let tally = bar.tally();
    drop(bar);
    // Whoever reads the end may rely on every tick being in its state, and on all counts.
    sink.settle();
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

/// Tells a panic of the source's thread too: a source is never silently dead.
struct Telling(Arc<SourceReport>);

impl Drop for Telling {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.tell(SourceState::Failed("its thread panicked".to_owned()));
        }
    }
}

impl Running {
    /// Starts the source; what becomes of it is told to the service.
    pub(super) fn feed(&mut self, app: &App) -> Result<(), Failure> {
        #[cfg(feature = "kafka")]
        if app.config.source.kind == SourceKind::Kafka {
            return self.feed_from_kafka(app);
        }
        let report = app.source.clone();
        let handle = self.handle();
        let (name, source) = self.source.take().expect("the source is started once");
        let run = move |mut ingest: Ingest, stop: StopToken| {
            let telling = Telling(report);
            let state = run_source((name, &source), &mut ingest, &stop, &handle, &telling.0);
            telling.0.tell(state);
        };
        self.engine
            .spawn_source(name, run)
            .map_err(|error| Failure::new(Exit::Failed, format!("cannot start the source: {error}")))
    }

    /// Starts the lanes.
    #[cfg(feature = "kafka")]
    fn feed_from_kafka(&mut self, app: &App) -> Result<(), Failure> {
        let refused = |message| Failure::new(Exit::Configuration, message);
        let mut settings = wiring::kafka_settings(&app.config).map_err(refused)?;
        let address = app.address().unwrap_or(app.config.server.listen);
        settings.advertised_url = wiring::advertised_url(&app.config, address).map_err(refused)?;
        engine::kafka::check_settings(&settings).map_err(|refusal| refused(refusal.to_string()))?;
        let settings = Arc::new(settings);
        app.engine.owners.expect();
        self.beside_the_lanes("owners", &settings, engine::kafka::watch_owners)?;
        self.beside_the_lanes("events", &settings, engine::kafka::write_events)?;
        for number in 0..settings.lanes {
            let (settings, handle) = (settings.clone(), self.handle());
            let (source, lanes) = (app.source.clone(), app.lanes.clone());
            let run = move |_: Ingest, stop: StopToken| {
                let telling = Telling(source);
                let end = engine::kafka::run_lane(settings, number, &handle, &stop, &lanes);
                tracing::debug!(lane = number, ?end, "a lane ended");
                telling.0.tell(SourceState::Finished);
            };
            self.engine
                .spawn_source(&format!("kafka-{number}"), run)
                .map_err(|error| Failure::new(Exit::Failed, format!("cannot start a Kafka lane: {error}")))?;
        }
        Ok(())
    }

    /// Runs what all lanes share on a thread of its own.
    #[cfg(feature = "kafka")]
    fn beside_the_lanes(
        &self,
        name: &str,
        settings: &Arc<KafkaSettings>,
        run: fn(&KafkaSettings, &EngineHandle, &StopToken),
    ) -> Result<(), Failure> {
        let (settings, handle) = (settings.clone(), self.handle());
        self.engine
            .spawn_source(&format!("kafka-{name}"), move |_, stop| run(&settings, &handle, &stop))
            .map_err(|error| Failure::new(Exit::Failed, format!("cannot start the Kafka {name}: {error}")))
    }

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
