//! What a watchdog may see and do from outside, whatever the message type.

use super::{Lane, Mailbox};

/// A lane at one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneState {
    /// Messages waiting.
    pub depth: usize,
    /// Messages taken since the start.
    pub pops: u64,
    /// The flag is up: the shard sleeps and no pusher has come to wake it.
    pub sleeping: bool,
}

/// A mailbox without its message type.
pub trait Watched: Send + Sync {
    /// The lane now.
    fn lane_state(&self, lane: Lane) -> LaneState;
    /// Wakes the shard's waiter on this lane, even if it was woken already.
    fn rewake(&self, lane: Lane);
    /// See [`Mailbox::close`].
    fn close(&self);
}

impl<M: Send> Watched for Mailbox<M> {
    fn lane_state(&self, lane: Lane) -> LaneState {
        LaneState {
            depth: self.depth(lane),
            pops: self.pops(lane),
            sleeping: self.lane(lane).gate.is_sleeping(),
        }
    }

    fn rewake(&self, lane: Lane) {
        // `notify` first: where the flag is still up, the waiter believes a wake only once it is down.
        self.lane(lane).gate.notify();
        self.lane(lane).gate.wake();
    }

    fn close(&self) {
        Self::close(self);
    }
}
