//! Where ticks come from: one file a source, one list.
//!
//! A source runs on threads of its own and brings its ticks in by [`intake`](crate::intake). [`SourceConfig`] is the list:
//! a new source is one file, one variant there and one in [`Source`].

#[cfg(test)]
pub(crate) mod collect;
pub mod file;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(feature = "live")]
pub mod live;
pub(crate) mod natural;
pub mod pace;
pub mod simulator;

use std::{sync::Arc, time::Duration};

use file::{FileConfig, FileError, FileSource};
#[cfg(feature = "kafka")]
use kafka::KafkaSource;
#[cfg(feature = "live")]
use live::{LiveError, LiveSource};
use simulator::{SimulatorError, SimulatorSettings, SimulatorSource};

#[cfg(feature = "live")]
use crate::live_report::LiveReport;
use crate::{
    handle::EngineHandle,
    intake::{Intake, Progress, ReorderSettings, TickSink},
    lanes::LaneReport,
    stop::StopToken,
    tick::EventTime,
};

/// A source with its configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceConfig {
    /// Ticks that are made up.
    Simulator(SimulatorSettings),
    /// Recorded ticks.
    File(FileConfig),
    /// A topic of Kafka, whose predictions go back to Kafka.
    #[cfg(feature = "kafka")]
    Kafka(Box<crate::settings::KafkaSettings>),
    /// Venues' own live feeds.
    #[cfg(feature = "live")]
    Live(Box<crate::settings::LiveSettings>),
    /// No ticks: only the rows of requests are scored.
    None,
}

impl SourceConfig {
    /// Checks the configuration and what it refers to.
    ///
    /// # Errors
    /// [`SourceError`] if no tick could come of it.
    pub fn open(&self) -> Result<Source, SourceError> {
        Ok(match self {
            Self::Simulator(config) => Source::Simulator(Box::new(SimulatorSource::open(config)?)),
            Self::File(config) => Source::File(Box::new(FileSource::open(config)?)),
            #[cfg(feature = "kafka")]
            Self::Kafka(settings) => Source::Kafka(Box::new(KafkaSource::open(settings)?)),
            #[cfg(feature = "live")]
            Self::Live(settings) => Source::Live(Box::new(LiveSource::open(settings)?)),
            Self::None => Source::None,
        })
    }
}

/// A source that is ready to run.
#[derive(Debug)]
pub enum Source {
    /// See [`simulator`].
    Simulator(Box<SimulatorSource>),
    /// See [`mod@file`].
    File(Box<FileSource>),
    /// See [`mod@kafka`].
    #[cfg(feature = "kafka")]
    Kafka(Box<KafkaSource>),
    /// See [`live`].
    #[cfg(feature = "live")]
    Live(Box<LiveSource>),
    /// Ends at once.
    None,
}

/// The reason for which a source cannot run, or failed.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The simulator has nothing to simulate.
    #[error(transparent)]
    Simulator(#[from] SimulatorError),
    /// A file cannot be replayed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A setting of Kafka cannot work.
    #[cfg(feature = "kafka")]
    #[error(transparent)]
    Kafka(#[from] crate::kafka::Refusal),
    /// A feed cannot be read.
    #[cfg(feature = "live")]
    #[error(transparent)]
    Live(#[from] LiveError),
}

/// The surroundings of a source of ticks that runs on the caller's thread.
pub struct Run<'a> {
    /// The wall clock when the run begins: where the simulator's history ends. A file does not look at it.
    pub now: EventTime,
    /// Takes the ticks.
    pub sink: &'a mut dyn TickSink,
    /// Ends the run early.
    pub stop: &'a StopToken,
    /// Hears of the progress.
    pub progress: &'a mut dyn Progress,
}

/// How a run ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEnd {
    /// There are no more ticks.
    Finished,
    /// It was told to stop.
    Stopped,
}

/// The surroundings of a source that feeds an engine.
#[derive(Clone, Debug)]
pub struct Feeding {
    /// The engine that it feeds.
    pub engine: EngineHandle,
    /// Where the lanes of a log tell how they do.
    pub lanes: Arc<LaneReport>,
    /// Where other instances find the front of this one, `http://host:port`; read only by a source that
    /// [is shared](Source::is_shared).
    pub front_url: String,
    /// The wall clock: where the simulator's history ends.
    pub now: EventTime,
    /// How far event time may go back and still be put into order, `source.reorder_ms`. A log's order is left as it is.
    pub reorder: Duration,
}

/// The work of one thread of a source, from its beginning to its end.
type Work = dyn FnOnce(&StopToken, &mut dyn Progress) -> Result<SourceEnd, SourceError> + Send;

/// The work of one thread of a source.
pub struct SourceThread {
    name: String,
    work: Box<Work>,
}

impl SourceThread {
    fn new(
        name: String,
        work: impl FnOnce(&StopToken, &mut dyn Progress) -> Result<SourceEnd, SourceError> + Send + 'static,
    ) -> Self {
        Self { name, work: Box::new(work) }
    }

    /// The name of the thread, which begins with the name of the source: `file`, `kafka-0`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Works on the calling thread until the source has no more or `stop` is told. All ticks are in their states then,
    /// unless it was stopped.
    ///
    /// # Errors
    /// [`SourceError`] if the input fails on the way; what came before it was handed over.
    pub fn run(self, stop: &StopToken, progress: &mut dyn Progress) -> Result<SourceEnd, SourceError> {
        (self.work)(stop, progress)
    }
}

impl Source {
    /// Whether other instances work on the same source, and want to know where the front of this one is.
    pub fn is_shared(&self) -> bool {
        match self {
            #[cfg(feature = "kafka")]
            Self::Kafka(_) => true,
            #[cfg(feature = "live")]
            Self::Live(_) => false,
            Self::Simulator(_) | Self::File(_) | Self::None => false,
        }
    }

    /// Gives the ticks of the source to `run`'s sink, on the calling thread; `None` for a source that has none to give in
    /// this way: a log is read by its own tools.
    ///
    /// # Errors
    /// [`SourceError`] if the input fails on the way; what came before it was handed over.
    pub fn run(&self, run: &mut Run<'_>) -> Option<Result<SourceEnd, SourceError>> {
        match self {
            Self::Simulator(source) => Some(Ok(source.run(run))),
            Self::File(source) => Some(source.run(run).map_err(SourceError::from)),
            #[cfg(feature = "kafka")]
            Self::Kafka(_) => None,
            #[cfg(feature = "live")]
            Self::Live(source) => Some(source.run(&LiveReport::default(), run).map_err(SourceError::from)),
            Self::None => None,
        }
    }

    /// The threads that feed an engine with the ticks of this source.
    pub fn threads(self, feeding: Feeding) -> Vec<SourceThread> {
        match self {
            Self::Simulator(source) => {
                let run = move |run: &mut Run<'_>| Ok(source.run(run));
                vec![SourceThread::new("simulator".to_owned(), fed(feeding, false, run))]
            }
            Self::File(source) => {
                let run = move |run: &mut Run<'_>| Ok(source.run(run)?);
                vec![SourceThread::new("file".to_owned(), fed(feeding, false, run))]
            }
            #[cfg(feature = "kafka")]
            Self::Kafka(source) => source.threads(&feeding),
            #[cfg(feature = "live")]
            Self::Live(source) => {
                let report = feeding.engine.metrics.live.clone();
                let run = move |run: &mut Run<'_>| Ok(source.run(&report, run)?);
                vec![SourceThread::new("live".to_owned(), fed(feeding, true, run))]
            }
            Self::None => vec![SourceThread::new("none".to_owned(), |_, _| Ok(SourceEnd::Finished))],
        }
    }
}

/// The work of a source that gives ticks one by one. A source that is `live` waits for nobody: its ticks are not held longer
/// than by the machine's clock.
fn fed(
    feeding: Feeding,
    live: bool,
    run: impl FnOnce(&mut Run<'_>) -> Result<SourceEnd, SourceError> + Send + 'static,
) -> impl FnOnce(&StopToken, &mut dyn Progress) -> Result<SourceEnd, SourceError> + Send + 'static {
    move |stop, progress| {
        let mut intake: Intake = feeding.engine.intake(stop.clone());
        let reorder = ReorderSettings { bound: feeding.reorder, by_wall_time: live };
        let ended =
            reorder.in_order(&mut intake, |sink| run(&mut Run { now: feeding.now, sink, stop, progress }));
        // Whoever hears of the end may rely on every tick being in its state, and on all counts.
        intake.settle();
        ended
    }
}
