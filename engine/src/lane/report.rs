//! What the lanes tell the front.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

/// Written by the lanes' threads, read by `/health` and by who ends the process.
#[derive(Debug, Default)]
pub struct LaneReport {
    trouble: Mutex<Option<String>>,
    fenced: AtomicBool,
}

impl LaneReport {
    /// What keeps the lanes from working, if anything does.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().expect("no code panics while it holds the text").clone()
    }

    /// Whether another process has taken a lane's name: this one must end.
    pub fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Acquire)
    }

    /// Tells what keeps the lanes from working; `None` when nothing does any more.
    pub fn tell(&self, trouble: Option<String>) {
        *self.trouble.lock().expect("no code panics while it holds the text") = trouble;
    }

    /// Tells that another process has taken a lane's name.
    pub fn tell_fenced(&self) {
        self.fenced.store(true, Ordering::Release);
    }
}
