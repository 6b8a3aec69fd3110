//! The queue of requests that are due and not sent yet.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
    time::Instant,
};

use tokio::sync::Semaphore;

/// A request that is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    /// Position among all requests of the run, from 0; it selects the input.
    pub(super) number: u64,
    /// The time at which it should be sent.
    pub(super) at: Instant,
}

/// A bounded queue of due requests, the oldest first.
pub(super) struct Backlog {
    waiting: Mutex<VecDeque<Due>>,
    /// One permit for each waiting request. At the end one more for each connection, which then finds the queue empty.
    permits: Semaphore,
    capacity: usize,
}

impl Backlog {
    pub(super) fn new(capacity: usize) -> Self {
        Self { waiting: Mutex::default(), permits: Semaphore::new(0), capacity }
    }

    /// Appends a request; returns false, without appending, if the queue is full.
    pub(super) fn try_push(&self, due: Due) -> bool {
        let mut waiting = self.lock();
        if waiting.len() >= self.capacity {
            return false;
        }
        waiting.push_back(due);
        drop(waiting);
        self.permits.add_permits(1);
        true
    }

    /// Waits for a request and removes the oldest; `None` once the queue is empty and no more requests come.
    pub(super) async fn pop(&self) -> Option<Due> {
        let permit = self.permits.acquire().await.ok()?;
        permit.forget();
        self.lock().pop_front()
    }

    /// Announces that no more requests come: each of `connections` connections ends once the queue is empty.
    pub(super) fn finish(&self, connections: usize) {
        self.permits.add_permits(connections);
    }

    /// Empties the queue and returns how many requests waited.
    pub(super) fn clear(&self) -> u64 {
        let mut waiting = self.lock();
        let count = waiting.len() as u64;
        waiting.clear();
        count
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Due>> {
        self.waiting.lock().expect("no code panics while it holds the queue")
    }
}
