//! What became of the source, from its thread to whoever asks.

use arc_swap::ArcSwap;
use jiff::Timestamp;

/// Where the source is in its life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SourceState {
    /// It gives ticks, or is about to.
    #[default]
    Running,
    /// It gave all it had, or was told to stop.
    Finished,
    /// It ended before its time: why.
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
pub struct SourceReport(ArcSwap<(SourceState, Timestamp)>);

impl Default for SourceReport {
    fn default() -> Self {
        Self(ArcSwap::from_pointee((SourceState::default(), Timestamp::now())))
    }
}

impl SourceReport {
    /// The newest state.
    pub fn state(&self) -> SourceState {
        self.0.load().0.clone()
    }

    /// When that began.
    pub fn since(&self) -> Timestamp {
        self.0.load().1
    }

    /// Tells the state.
    pub fn tell(&self, state: SourceState) {
        self.0.store((state, Timestamp::now()).into());
    }
}
