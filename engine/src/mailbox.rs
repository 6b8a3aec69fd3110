//! (3) The bounded way into a shard: two lanes, one sleeping flag each, no lost wake-up.
//!
//! Stub that fixes the signatures.

use crossbeam::queue::ArrayQueue;

/// Which lane a message takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Control and predictions: served first.
    Control,
    /// Ticks: guaranteed a batch each turn.
    Ticks,
}

/// A bounded mailbox with two lanes; any thread pushes, one shard pops.
#[derive(Debug)]
pub struct Mailbox<M> {
    control: ArrayQueue<M>,
    ticks: ArrayQueue<M>,
}

/// The message did not go in; it is handed back.
#[derive(Debug)]
pub enum PushError<M> {
    /// The lane is full.
    Full(M),
    /// The shard is gone or going.
    Closed(M),
}

impl<M> Mailbox<M> {
    /// A mailbox of these capacities.
    pub fn new(control_capacity: usize, tick_capacity: usize) -> Self {
        Self { control: ArrayQueue::new(control_capacity), ticks: ArrayQueue::new(tick_capacity) }
    }

    /// Puts a message in and wakes the shard if it sleeps.
    ///
    /// # Errors
    /// [`PushError`] with the message.
    pub fn push(&self, lane: Lane, message: M) -> Result<(), PushError<M>> {
        match lane {
            Lane::Control => self.control.push(message),
            Lane::Ticks => self.ticks.push(message),
        }
        .map_err(PushError::Full)
    }

    /// Messages waiting in the lane.
    pub fn depth(&self, lane: Lane) -> usize {
        match lane {
            Lane::Control => self.control.len(),
            Lane::Ticks => self.ticks.len(),
        }
    }
}
