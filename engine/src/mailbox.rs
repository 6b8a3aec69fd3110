//! A shard's bounded mailbox: two queues, a sleeping flag for each, no lost wake-up.
//!
//! Map: `gate` is the sleeping flag and its waker, `watch` is the shard's side (wait for messages in a task or park a
//! thread), `inspect` is the watchdog's view. `loom_tests` explores every interleaving of the gate, `stress_tests` runs
//! the whole with threads.
//!
//! A push stores the message, fences, then reads the flag. A sleeper sets the flag, fences, then reads the queue. The
//! later fence sees the other side's store, so either the pusher wakes the shard or the shard sees the message. Acquire
//! and release alone would allow both to miss, on x86 too.

mod gate;
mod inspect;
#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
mod stress_tests;
mod watch;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

use crossbeam::{queue::ArrayQueue, utils::CachePadded};

use self::gate::SleepGate;
pub use self::{
    inspect::{QueueState, Watched},
    watch::{QueueWatch, ThreadParker},
};

/// One of the two queues of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Control and predictions: served first.
    Control,
    /// Ticks: guaranteed a batch each turn.
    Ticks,
}

impl Queue {
    /// Both queues, in the order they are served.
    pub const ALL: [Self; 2] = [Self::Control, Self::Ticks];
}

/// A bounded mailbox with two queues; any thread pushes, one shard pops.
#[derive(Debug)]
pub struct Mailbox<M> {
    control: BoundedQueue<M>,
    ticks: BoundedQueue<M>,
    /// New messages are refused; the shard still drains the present ones.
    closed: AtomicBool,
    /// The shard has ended, so messages left here are never read.
    abandoned: AtomicBool,
}

#[derive(Debug)]
struct BoundedQueue<M> {
    messages: ArrayQueue<M>,
    gate: SleepGate,
    /// Messages taken from each queue; written by the shard, read by the watchdog.
    pops: CachePadded<AtomicU64>,
}

/// The message was not accepted; the error returns it.
#[derive(Debug)]
pub enum PushError<M> {
    /// The queue is full.
    Full(M),
    /// The shard has ended or is ending.
    Closed(M),
}

impl<M> BoundedQueue<M> {
    fn new(capacity: usize) -> Self {
        Self { messages: ArrayQueue::new(capacity), gate: SleepGate::default(), pops: CachePadded::default() }
    }
}

impl<M> Mailbox<M> {
    /// A mailbox of these capacities.
    pub fn new(control_capacity: usize, tick_capacity: usize) -> Self {
        Self {
            control: BoundedQueue::new(control_capacity),
            ticks: BoundedQueue::new(tick_capacity),
            closed: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
        }
    }

    /// Adds a message and wakes the shard if it sleeps.
    ///
    /// A message that races with the end of the shard may be accepted and dropped unread. That closes its reply
    /// channel, so nobody waits for it.
    ///
    /// # Errors
    /// [`PushError`] with the message.
    pub fn push(&self, queue: Queue, message: M) -> Result<(), PushError<M>> {
        if self.is_closed() {
            return Err(PushError::Closed(message));
        }
        let queue = self.queue(queue);
        queue.messages.push(message).map_err(PushError::Full)?;
        queue.gate.notify();
        // `notify` begins with the fence that pairs with the one in `abandon`: either we see its flag here, or it
        // sees our message there.
        if self.abandoned.load(Ordering::Relaxed) {
            self.discard();
        }
        Ok(())
    }

    /// Takes the oldest message of a queue; only the shard may call this.
    pub fn pop(&self, queue: Queue) -> Option<M> {
        let queue = self.queue(queue);
        let message = queue.messages.pop()?;
        // One writer: a load and a store, no locked instruction.
        queue.pops.store(queue.pops.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        Some(message)
    }

    /// Messages waiting in the queue.
    pub fn depth(&self, queue: Queue) -> usize {
        self.queue(queue).messages.len()
    }

    /// Messages the shard has taken from the queue since the start.
    pub fn pops(&self, queue: Queue) -> u64 {
        self.queue(queue).pops.load(Ordering::Relaxed)
    }

    /// Times the shard went to sleep waiting for this queue.
    pub fn parks(&self, queue: Queue) -> u64 {
        self.queue(queue).gate.parks()
    }

    /// Times a push found the shard asleep on this queue and woke it.
    pub fn wakes(&self, queue: Queue) -> u64 {
        self.queue(queue).gate.wakes()
    }

    /// Refuses further messages and wakes the shard, which drains what is there and ends.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.control.gate.notify();
        self.ticks.gate.notify();
    }

    /// Whether [`close`](Self::close) was called or the shard is gone.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Whether both queues are empty.
    pub fn is_empty(&self) -> bool {
        self.control.messages.is_empty() && self.ticks.messages.is_empty()
    }

    /// Called when the shard ends: refuses further messages, drops those left, and forgets the wakers, so that no waker
    /// outlives the executor it points into.
    pub(crate) fn abandon(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.abandoned.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.discard();
        self.control.gate.set_waker(None);
        self.ticks.gate.set_waker(None);
    }

    fn discard(&self) {
        while self.control.messages.pop().is_some() {}
        while self.ticks.messages.pop().is_some() {}
    }

    fn queue(&self, queue: Queue) -> &BoundedQueue<M> {
        match queue {
            Queue::Control => &self.control,
            Queue::Ticks => &self.ticks,
        }
    }

    fn has_news(&self, queue: Queue) -> bool {
        !self.queue(queue).messages.is_empty() || self.is_closed()
    }
}
