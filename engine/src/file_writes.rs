//! Records whether the files that a part of the process keeps can be written, for `/health` and `/metrics`.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The state of the writes. Any thread may note one.
#[derive(Debug, Default)]
pub struct FileWrites {
    failed_total: AtomicU64,
    /// The newest failure and its time; `None` after writes succeed again.
    failure: Mutex<Option<(String, Instant)>>,
}

impl FileWrites {
    /// Notes a failed write with its path and cause. Returns true if the write before it succeeded.
    pub fn note_failure(&self, why: String) -> bool {
        self.failed_total.fetch_add(1, Ordering::Relaxed);
        let mut failure = self.failure.lock().expect("no code panics while it holds the failure");
        failure.replace((why, Instant::now())).is_none()
    }

    /// Notes a successful write. It ends a failure only if that is at least `calm` old: on a disk that is nearly full
    /// some small files still fit.
    pub fn note_success(&self, calm: Duration) {
        let mut failure = self.failure.lock().expect("no code panics while it holds the failure");
        if failure.as_ref().is_some_and(|(_, at)| at.elapsed() >= calm) {
            *failure = None;
        }
    }

    /// The path and the cause of the newest failure, while files cannot be written.
    pub fn failure(&self) -> Option<String> {
        let failure = self.failure.lock().expect("no code panics while it holds the failure");
        failure.as_ref().map(|(why, _)| why.clone())
    }

    /// Writes that failed since the start.
    pub fn failed_total(&self) -> u64 {
        self.failed_total.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_lasts_until_a_success_after_the_calm() {
        let writes = FileWrites::default();
        assert!(writes.note_failure("full".to_owned()));
        assert!(!writes.note_failure("still full".to_owned()));
        writes.note_success(Duration::from_secs(3_600));
        assert_eq!(writes.failure().as_deref(), Some("still full"));
        writes.note_success(Duration::ZERO);
        assert_eq!((writes.failure(), writes.failed_total()), (None, 2));
        assert!(writes.note_failure("full again".to_owned()));
    }
}
