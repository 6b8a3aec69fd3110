//! (1) Where ticks come from: one file a source, one list.
//!
//! A source runs on a thread of its own, decodes, and hands ticks to a [`TickSink`]; routing is behind the sink.
//! [`SourceConfig`] is the list: a new source is one file, one variant here and one in [`Source`].

#[cfg(test)]
pub(crate) mod collect;
mod feed;
pub mod file;
pub(crate) mod lines;
mod natural;
pub mod pace;
mod sequence;
pub mod simulator;
pub mod tally;
pub(crate) mod warnings;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

pub use feed::{RecordFeed, RecordFormat, RecordPlace};
use file::{FileConfig, FileError, FileSource};
pub use sequence::SequenceTracker;
use simulator::{SimulatorError, SimulatorSettings, SimulatorSource};
pub use tally::{Faults, Tally, TickOutcomes};

use crate::{
    decode::NoTickKind,
    symbol::Offset,
    tick::{EventTime, Tick},
};

/// Told once, seen by every source thread.
#[derive(Clone, Debug, Default)]
pub struct StopToken(Arc<AtomicBool>);

impl StopToken {
    /// Asks the source to end at its next record.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was asked to.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What a source reports beside ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEvent {
    /// The connection's sequence numbers skipped this many messages.
    SequenceGap {
        /// Messages missing.
        missing: u64,
    },
    /// A timestamp without a zone was read as UTC.
    ZonelessTime,
    /// A record of a kind that carries no tick.
    NoTick(NoTickKind),
}

/// Where a source puts what it read.
pub trait TickSink {
    /// Takes one tick of `venue:product`. Waits while the engine is full. `record_offset` counts the source's
    /// records from 0, `index` the tickers inside one.
    fn tick(&mut self, venue: &str, product: &str, record_offset: Offset, index: u32, tick: Tick);
    /// Counts a record that could not be read.
    fn unreadable(&mut self, record_offset: Offset, reason: crate::decode::Unreadable, record: &[u8]);
    /// Counts an event.
    fn event(&mut self, event: SourceEvent);
    /// Hands over what is buffered: call it before waiting for more input.
    fn flush(&mut self);
}

/// Hears how far a source has come, for a bar at a terminal, and at its end what became of its records.
pub trait Progress {
    /// `bytes_read` of `bytes_total` as they lie on the disk, and what they held.
    fn advanced(&mut self, records: u64, bytes_read: u64, bytes_total: u64);

    /// A source of records has ended, or failed: what became of those that it read.
    fn ended(&mut self, _tally: &Tally) {}
}

/// Nobody listens.
impl Progress for () {
    fn advanced(&mut self, _records: u64, _bytes_read: u64, _bytes_total: u64) {}
}

/// Which source, as configured.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceConfig {
    /// Made-up ticks.
    Simulator(SimulatorSettings),
    /// Recorded ticks.
    File(FileConfig),
    /// No ticks: only what requests bring along is scored.
    None,
}

impl SourceConfig {
    /// Its name in configuration, logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Simulator(_) => "simulator",
            Self::File(_) => "file",
            Self::None => "none",
        }
    }

    /// Checks the configuration and what it refers to.
    ///
    /// # Errors
    /// When no tick could come of it.
    pub fn open(&self) -> Result<Source, SourceError> {
        Ok(match self {
            Self::Simulator(config) => Source::Simulator(Box::new(SimulatorSource::open(config)?)),
            Self::File(config) => Source::File(FileSource::open(config)?),
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
    File(FileSource),
    /// Ends at once.
    None,
}

/// Why a source cannot run, or ended.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The simulator's.
    #[error(transparent)]
    Simulator(#[from] SimulatorError),
    /// The file replay's.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What a run of a source works with.
pub struct Run<'a> {
    /// The wall clock when the run begins: where the simulator's history ends. The other sources do not look at it.
    pub now: EventTime,
    /// Where the ticks go.
    pub sink: &'a mut dyn TickSink,
    /// Ends the run early.
    pub stop: &'a StopToken,
    /// Who hears of progress.
    pub progress: &'a mut dyn Progress,
}

/// How a run ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEnd {
    /// There is no more.
    Finished,
    /// It was told to stop.
    Stopped,
}

impl Source {
    /// Runs on the calling thread until there is no more or `run.stop` is told. The sink is flushed at the end.
    ///
    /// # Errors
    /// When input fails on the way; what came before it was handed over.
    pub fn run(&self, run: &mut Run<'_>) -> Result<SourceEnd, SourceError> {
        match self {
            Self::Simulator(source) => Ok(source.run(run)),
            Self::File(source) => Ok(source.run(run)?),
            Self::None => Ok(SourceEnd::Finished),
        }
    }
}
