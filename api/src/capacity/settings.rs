//! Parameters and errors of a capacity measurement.

use std::{sync::Arc, time::Duration};

use engine::StartError;
use model::Model;

use super::plan::Load;
use crate::config::Config;

/// The failure of a capacity measurement, which then prints no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CapacityError {
    /// The engine or the front does not start.
    #[error("cannot start what is to be measured: {0}")]
    Start(String),
    /// The engine or the front gave wrong results, so that the numbers mean nothing.
    #[error("what was measured is wrong, so its numbers mean nothing: {0}")]
    Invalid(String),
    /// The operating system refused a thread or an event queue.
    #[error("the system refuses: {0}")]
    System(#[from] std::io::Error),
    /// SIGINT or SIGTERM ended the measurement.
    #[error("interrupted before there was an answer")]
    Interrupted,
}

impl From<StartError> for CapacityError {
    fn from(error: StartError) -> Self {
        Self::Start(error.to_string())
    }
}

/// The amount of work in a measurement: more takes longer and is less noisy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Symbols of the simulated market.
    pub symbols: usize,
    /// Seconds of ticks that each symbol gets before the measurement, to fill its windows.
    pub history_s: i64,
    /// Ticks of one repetition, of all symbols together.
    pub ticks: u64,
    /// Rows scored in one repetition; rounded up to whole batches.
    pub rows: usize,
    /// Repetitions, whose median is reported.
    pub repetitions: usize,
    /// Duration of each tried rate of requests.
    pub step: Duration,
    /// Kept HTTP connections of the load generator.
    pub connections: usize,
}

impl Sizes {
    /// Takes about half a minute.
    pub(crate) const FULL: Self = Self {
        symbols: 500,
        history_s: 1_100,
        ticks: 100_000,
        rows: 20_000,
        repetitions: 5,
        step: Duration::from_secs(1),
        connections: 32,
    };
    /// Takes a few seconds, to see that the command works: windows are not full and the numbers are rough.
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

/// Parameters of the measurement and of the plan.
#[derive(Clone, Debug)]
pub(crate) struct Settings<'a> {
    /// The configuration that the service would run with.
    pub config: &'a Config,
    /// The model that scores ticks and rows.
    pub model: Arc<Model>,
    /// The baseline model; `None` unless `quality.fallback` is set.
    pub baseline: Option<Arc<Model>>,
    pub sizes: Sizes,
    /// Upper bound of the p99 latency, milliseconds: a rate above it does not hold.
    pub p99_ms: f64,
    /// Lower bound of the share of right answers, percent: a rate below it does not hold.
    pub success_percent: f64,
    /// Share of the measured capacity to plan with, 0.01 to 1.
    pub utilisation: f64,
    /// A load whose requirements are to be reported.
    pub load: Option<Load>,
}
