//! The watchdog's view of a mailbox, independent of the message type.

use super::{Mailbox, Queue};

/// The state of one queue at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueState {
    /// Messages waiting.
    pub depth: usize,
    /// Messages taken since the start.
    pub pops: u64,
    /// Whether the flag is set: the shard sleeps and no pusher has woken it.
    pub sleeping: bool,
}

/// A mailbox without its message type.
pub trait Watched: Send + Sync {
    /// The state of the queue now.
    fn queue_state(&self, queue: Queue) -> QueueState;
    /// Wakes the shard's waiter on this queue, even if it was woken already.
    fn rewake(&self, queue: Queue);
    /// Closes the mailbox, see [`Mailbox::close`].
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
        // `notify` first, because the waiter ignores a wake while the flag is still set.
        self.queue(queue).gate.notify();
        self.queue(queue).gate.wake();
    }

    fn close(&self) {
        Self::close(self);
    }
}
