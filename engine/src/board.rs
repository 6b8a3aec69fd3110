//! The newest predictions, for the live stream and the page.
//!
//! A shard puts a copy of a symbol's newest prediction here at the end of a turn, but only while somebody watches;
//! one task of the front drains it. When it is full the oldest is dropped: a live view wants the newest.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crossbeam::queue::ArrayQueue;

use crate::{limits::BOARD_CAPACITY, message::Answer};

/// A bounded queue of newest predictions.
#[derive(Debug)]
pub struct Board {
    queue: ArrayQueue<Arc<Answer>>,
    watchers: AtomicUsize,
}

impl Default for Board {
    fn default() -> Self {
        Self { queue: ArrayQueue::new(BOARD_CAPACITY), watchers: AtomicUsize::new(0) }
    }
}

impl Board {
    /// Whether at least one front end reads the queue. Shards post predictions only while this is true.
    pub fn is_watched(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) > 0
    }

    /// Adds a watcher (`true`) or removes one (`false`).
    pub fn watch(&self, watching: bool) {
        if watching {
            self.watchers.fetch_add(1, Ordering::Relaxed);
        } else {
            self.watchers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Adds a prediction; drops the oldest if the board is full.
    pub fn post(&self, answer: Arc<Answer>) {
        self.queue.force_push(answer);
    }

    /// Removes the oldest prediction.
    pub fn take(&self) -> Option<Arc<Answer>> {
        self.queue.pop()
    }
}
