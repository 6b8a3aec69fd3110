//! One turn of a shard: it decides which messages are served first, in every runtime alike.

use std::{sync::Arc, time::Instant};

use super::{ShardStep, presence::Presence};
use crate::{
    limits::{CONTROL_PER_TURN_MAX, ROWS_PER_TURN_MAX, TICK_BATCHES_PER_TURN_MAX},
    mailbox::{Mailbox, Queue},
};

/// The result of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The turn handled messages: look again before sleeping.
    Worked,
    /// Both queues were empty.
    Idle,
    /// Both queues were empty and the mailbox is closed.
    Ended,
}

/// A core with its mailbox.
pub(super) struct ShardLoop<S: ShardStep> {
    core: S,
    mailbox: Arc<Mailbox<S::Message>>,
    presence: Arc<Presence>,
    /// The messages of one step; the buffer is reused between turns.
    messages: Vec<S::Message>,
}

impl<S: ShardStep> ShardLoop<S> {
    pub(super) fn new(core: S, mailbox: Arc<Mailbox<S::Message>>, presence: Arc<Presence>) -> Self {
        let messages = Vec::with_capacity(CONTROL_PER_TURN_MAX);
        Self { core, mailbox, presence, messages }
    }

    /// Serves control messages first, then ticks. Each share is bounded, so that neither waits longer than one share of
    /// the other.
    pub(super) fn turn(&mut self, clock: impl Fn() -> Instant) -> Turn {
        // Read before the queues, so that a push before the close is seen by the drain that follows.
        let closed = self.mailbox.is_closed();
        let control = self.serve(Queue::Control, CONTROL_PER_TURN_MAX, &clock);
        let ticks = self.serve(Queue::Ticks, TICK_BATCHES_PER_TURN_MAX, &clock);
        match (control || ticks, closed) {
            (true, _) => Turn::Worked,
            (false, false) => Turn::Idle,
            (false, true) => Turn::Ended,
        }
    }

    fn serve(&mut self, queue: Queue, count_max: usize, clock: impl Fn() -> Instant) -> bool {
        let mut rows = 0;
        while self.messages.len() < count_max && rows < ROWS_PER_TURN_MAX {
            let Some(message) = self.mailbox.pop(queue) else { break };
            rows += S::rows_of(&message);
            self.messages.push(message);
        }
        if self.messages.is_empty() {
            return false;
        }
        self.presence.set_in_step(true);
        self.core.step(clock(), &mut self.messages);
        self.presence.set_in_step(false);
        self.messages.clear();
        true
    }

    pub(super) fn core(&self) -> &S {
        &self.core
    }

    pub(super) fn core_mut(&mut self) -> &mut S {
        &mut self.core
    }

    pub(super) fn mailbox(&self) -> &Arc<Mailbox<S::Message>> {
        &self.mailbox
    }
}
