//! The ticks that wait for their shard, and how they get there: push a batch, or wait while the shard's queue is full.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{
    limits::TICKS_PER_BATCH_MAX,
    mailbox::{Mailbox, PushError, Queue},
    message::{Batch, Message, RoutedTick},
    metrics::IngestMetrics,
    stop::StopToken,
    symbol::Symbol,
};

/// How long a full shard is left alone before the next try.
const FULL_WAIT: Duration = Duration::from_micros(200);

/// One batch in the making for each shard.
#[derive(Debug)]
pub struct Batches(Vec<Batch>);

impl Batches {
    /// Empty batches for so many shards.
    pub fn new(shards: usize) -> Self {
        Self((0..shards).map(|_| Batch::default()).collect())
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.0.len()
    }

    /// Lets a symbol travel with the batch of its first tick.
    pub fn introduce(&mut self, shard: usize, symbol: Arc<Symbol>) {
        self.0[shard].new_symbols.push(symbol);
    }

    /// Adds a tick, and says whether the batch is full.
    pub fn add(&mut self, shard: usize, tick: RoutedTick) -> bool {
        let ticks = &mut self.0[shard].ticks;
        if ticks.capacity() == 0 {
            ticks.reserve_exact(TICKS_PER_BATCH_MAX);
        }
        ticks.push(tick);
        ticks.len() >= TICKS_PER_BATCH_MAX
    }

    /// Whether the batch of any shard is full.
    pub fn is_any_full(&self) -> bool {
        self.0.iter().any(|batch| batch.ticks.len() >= TICKS_PER_BATCH_MAX)
    }

    /// Whether the batch of any shard has ticks.
    pub fn has_ticks(&self) -> bool {
        self.0.iter().any(|batch| !batch.ticks.is_empty())
    }

    /// Whether the batch of this shard has ticks.
    pub fn has_ticks_for(&self, shard: usize) -> bool {
        !self.0[shard].ticks.is_empty()
    }

    /// Takes the batch of a shard, which may be empty, and begins a new one.
    pub fn take(&mut self, shard: usize) -> Batch {
        std::mem::take(&mut self.0[shard])
    }

    /// Throws all ticks away.
    pub fn clear(&mut self) {
        self.0.fill_with(Batch::default);
    }
}

/// How long to wait for room in the queue of a full shard.
#[derive(Clone, Debug)]
pub enum Patience {
    /// Until the source is told to stop.
    UntilStopped(StopToken),
    /// For so long, counted in tries: if the whole process stands still, asleep or stopped, that counts as one try.
    For(Duration),
}

impl Patience {
    fn is_over(&self, tries: u32) -> bool {
        match self {
            Self::UntilStopped(stop) => stop.is_stopped(),
            Self::For(time) => FULL_WAIT.saturating_mul(tries) >= *time,
        }
    }
}

/// The reason for which a shard did not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// The shard has ended.
    #[error("a shard has ended")]
    Ended,
    /// There was no room for longer than the sender would wait.
    #[error("a shard has no room")]
    NoRoom,
}

/// The way of one sender to the shards.
#[derive(Clone, Debug)]
pub struct Delivery {
    mailboxes: Arc<[Arc<Mailbox<Message>>]>,
    metrics: Arc<IngestMetrics>,
    patience: Patience,
}

impl Delivery {
    /// A way to the shards behind these mailboxes.
    pub fn new(
        mailboxes: Arc<[Arc<Mailbox<Message>>]>,
        metrics: Arc<IngestMetrics>,
        patience: Patience,
    ) -> Self {
        Self { mailboxes, metrics, patience }
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.mailboxes.len()
    }

    /// Puts a message into the queue of a shard's ticks; waits while that is full.
    ///
    /// # Errors
    /// [`Undelivered`]; the message is lost then.
    pub fn push(&self, shard: usize, mut message: Message) -> Result<(), Undelivered> {
        let mut tries = 0;
        loop {
            message = match self.mailboxes[shard].push(Queue::Ticks, message) {
                Ok(()) => return Ok(()),
                Err(PushError::Closed(_)) => return Err(Undelivered::Ended),
                Err(PushError::Full(back)) => back,
            };
            if self.patience.is_over(tries) {
                return Err(Undelivered::NoRoom);
            }
            tries += 1;
            self.metrics.waits_full.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(FULL_WAIT);
        }
    }
}
