//! The state of the source, as its thread reports it.

use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::Timestamp;

/// The state of the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SourceState {
    /// It is starting or gives ticks.
    #[default]
    Running,
    /// It gave all its ticks, or was told to stop.
    Finished,
    /// It failed; the reason.
    Failed(String),
}

impl SourceState {
    /// The state's name in answers.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed(_) => "failed",
        }
    }
}

/// The source's thread writes it; `/health` and `/sources` read it.
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

    /// Sets the state.
    pub fn tell(&self, state: SourceState) {
        self.state.store((state, Timestamp::now()).into());
    }

    /// Sets the summary of the records. Call it before the state becomes final.
    pub fn sum_up(&self, sum: String) {
        self.sum.store(Some(sum.into()));
    }

    /// The summary of the records of a source that has ended.
    pub fn sum(&self) -> Option<String> {
        self.sum.load().as_deref().cloned()
    }
}
