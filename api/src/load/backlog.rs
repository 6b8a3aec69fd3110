//! Requests that are due and not sent yet.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
    time::Instant,
};

use tokio::sync::Semaphore;

/// A request that is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    /// Counts all requests from 0; which input it is.
    pub(super) number: u64,
    /// When it was to be sent.
    pub(super) at: Instant,
}

/// A bounded queue, the oldest first.
pub(super) struct Backlog {
    waiting: Mutex<VecDeque<Due>>,
    /// One permit a request, and at the end one a connection, which then finds nothing.
    permits: Semaphore,
    capacity: usize,
}

impl Backlog {
    pub(super) fn new(capacity: usize) -> Self {
        Self { waiting: Mutex::default(), permits: Semaphore::new(0), capacity }
    }

    /// Puts a request in; false, and nothing happens, where it is full.
    pub(super) fn offer(&self, due: Due) -> bool {
        let mut waiting = self.lock();
        if waiting.len() >= self.capacity {
            return false;
        }
        waiting.push_back(due);
        drop(waiting);
        self.permits.add_permits(1);
        true
    }

    /// The oldest request, once there is one; `None` when no more come.
    pub(super) async fn take(&self) -> Option<Due> {
        let permit = self.permits.acquire().await.ok()?;
        permit.forget();
        self.lock().pop_front()
    }

    /// No more come: each of so many connections may go once nothing waits.
    pub(super) fn finish(&self, connections: usize) {
        self.permits.add_permits(connections);
    }

    /// Empties it; how many waited.
    pub(super) fn give_up(&self) -> u64 {
        let mut waiting = self.lock();
        let given_up = waiting.len() as u64;
        waiting.clear();
        given_up
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Due>> {
        self.waiting.lock().expect("no code panics while it holds the queue")
    }
}
