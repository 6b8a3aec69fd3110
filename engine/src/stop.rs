//! The request to stop, which every thread of a source can see.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Asks a source to end. Clones share one flag, which is never taken back.
#[derive(Clone, Debug, Default)]
pub struct StopToken(Arc<AtomicBool>);

impl StopToken {
    /// Asks the source to end at its next record.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the source was asked to end.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
