//! What became of the source, from its thread to whoever asks.

use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::Timestamp;

/// The state of the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SourceState {
    /// It gives ticks or is starting.
    #[default]
    Running,
    /// It gave all its ticks, or was told to stop.
    Finished,
    /// It failed; the reason.
    Failed(String),
}

impl SourceState {
    /// Its name in answers.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed(_) => "failed",
        }
    }
}

/// Written by the source's thread, read by `/health` and `/sources`.
#[derive(Debug)]
pub struct SourceReport {
    state: ArcSwap<(SourceState, Timestamp)>,
    sum: ArcSwapOption<String>,
}

impl Default for SourceReport {
    fn default() -> Self {
        let state = ArcSwap::from_pointee((SourceState::default(), Timestamp::now()));
        Self { state, sum: ArcSwapOption::empty() }
    }
}

impl SourceReport {
    /// The newest state.
    pub fn state(&self) -> SourceState {
        self.state.load().0.clone()
    }

    /// When this state began.
    pub fn since(&self) -> Timestamp {
        self.state.load().1
    }

    /// Tells the state.
    pub fn tell(&self, state: SourceState) {
        self.state.store((state, Timestamp::now()).into());
    }

    /// Tells what became of the records; before the state that says that it is final.
    pub fn sum_up(&self, sum: String) {
        self.sum.store(Some(sum.into()));
    }

    /// What became of the records of a source that has ended.
    pub fn sum(&self) -> Option<String> {
        self.sum.load().as_deref().cloned()
    }
}
