//! What the lanes tell the front.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

/// Written by the lanes' threads, read by `/health` and by who ends the process.
#[derive(Debug, Default)]
pub struct LaneReport {
    /// By lane.
    troubles: Mutex<BTreeMap<usize, String>>,
    fenced: AtomicBool,
}

impl LaneReport {
    /// What keeps a lane from working, if anything does.
    pub fn trouble(&self) -> Option<String> {
        let troubles = self.troubles.lock().expect("no code panics while it holds the texts");
        troubles.values().next().cloned()
    }

    /// Whether another process has taken a lane's name: this one must end.
    pub fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Acquire)
    }

    /// Tells what keeps a lane from working; `None` when nothing does any more.
    pub fn tell(&self, lane: usize, trouble: Option<String>) {
        let mut troubles = self.troubles.lock().expect("no code panics while it holds the texts");
        match trouble {
            Some(trouble) => troubles.insert(lane, trouble),
            None => troubles.remove(&lane),
        };
    }

    /// Tells that another process has taken a lane's name.
    pub fn tell_fenced(&self) {
        self.fenced.store(true, Ordering::Release);
    }
}
