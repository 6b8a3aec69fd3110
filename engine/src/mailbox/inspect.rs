//! What a watchdog may see and do from outside, whatever the message type.

use super::{Mailbox, Queue};

/// A queue at one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueState {
    /// Messages waiting.
    pub depth: usize,
    /// Messages taken since the start.
    pub pops: u64,
    /// The flag is up: the shard sleeps and no pusher has come to wake it.
    pub sleeping: bool,
}

/// A mailbox without its message type.
pub trait Watched: Send + Sync {
    /// The queue now.
    fn queue_state(&self, queue: Queue) -> QueueState;
    /// Wakes the shard's waiter on this queue, even if it was woken already.
    fn rewake(&self, queue: Queue);
    /// See [`Mailbox::close`].
    fn close(&self);
}

impl<M: Send> Watched for Mailbox<M> {
    fn queue_state(&self, queue: Queue) -> QueueState {
        QueueState {
            depth: self.depth(queue),
            pops: self.pops(queue),
            sleeping: self.queue(queue).gate.is_sleeping(),
        }
    }

    fn rewake(&self, queue: Queue) {
        // `notify` first: where the flag is still up, the waiter believes a wake only once it is down.
        self.queue(queue).gate.notify();
        self.queue(queue).gate.wake();
    }

    fn close(&self) {
        Self::close(self);
    }
}
