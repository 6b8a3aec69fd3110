//! The runtimes that drive a shard's synchronous core: glommio, a plain thread, or the caller.
//!
//! Map: `turn` decides which messages are served first, in all runtimes alike; `glommio` and `thread` sleep on the
//! mailbox between turns, `inline` leaves the turns to its caller; `spawn` picks a runtime and starts the shards,
//! `seat` lets all threads agree on one runtime; `presence` shows a shard's health to other threads; `watchdog` wakes a
//! shard that sleeps although it has messages.
//!
//! ```text
//! let plan = cpu::plan(&sys::allowed_cpus()?, sys::cpu_quota(), &CpuRequest::default());
//! let shards = spawn_shards(&plan, RuntimeChoice::Auto, &mailboxes, &metrics, |shard| Core::new(shard))?;
//! …push into the mailboxes; readiness asks shards.liveness()…
//! shards.stop_and_join()?;
//! ```

#[cfg(feature = "glommio")]
mod glommio;
pub mod inline;
mod presence;
mod seat;
mod spawn;
mod thread;
mod turn;
mod watchdog;

use std::time::{Duration, Instant};

pub use self::{
    inline::InlineShard,
    presence::{Liveness, ShardState},
    spawn::{Guards, Shards, StopError, spawn_shards, spawn_shards_guarded},
};
pub use crate::settings::RuntimeChoice;

/// The synchronous core of a shard: owned state, no I/O, no clock. It is built on its shard's thread and stays there.
pub trait ShardStep: 'static {
    /// The messages of the mailbox.
    type Message: Send + 'static;

    /// Handles the messages, in order. A call holds only messages of one queue: up to
    /// [`CONTROL_PER_TURN_MAX`](crate::limits::CONTROL_PER_TURN_MAX) of control, or up to
    /// [`TICK_BATCHES_PER_TURN_MAX`](crate::limits::TICK_BATCHES_PER_TURN_MAX) of ticks. Messages that are left in the
    /// vector are dropped.
    fn step(&mut self, now: Instant, messages: &mut Vec<Self::Message>);

    /// Number of rows that a message asks to score. A call of [`ShardStep::step`] holds no further message once its
    /// messages have [`ROWS_PER_TURN_MAX`](crate::limits::ROWS_PER_TURN_MAX) rows.
    fn rows_of(_message: &Self::Message) -> usize {
        0
    }
}

/// The runtime that drives the shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeReport {
    /// `glommio`, `thread` or `inline`.
    pub name: &'static str,
    /// Why this runtime is used: it was requested, it is the default, or the reason why glommio was refused.
    pub reason: String,
    /// The CPU of each shard; `None` for a shard that is not pinned.
    pub shard_cpus: Vec<Option<usize>>,
}

/// The reason why no shard was started.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// glommio was requested by name and cannot run here.
    #[error("the glommio runtime was asked for and cannot run here: {0}")]
    GlommioRefused(String),
    /// The system refused a thread.
    #[error("a shard's thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// Period of the watchdog.
pub const GUARD_PERIOD: Duration = Duration::from_millis(5);
