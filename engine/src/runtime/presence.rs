//! A shard's health as other threads see it: its stage, and the time for which its messages have waited.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{mailbox::Mailbox, sys};

/// The stages of a shard's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ShardState {
    /// The shard's thread or executor is being made.
    Starting,
    /// The shard takes messages.
    Running,
    /// The shard drained its closed mailbox and ended.
    Ended,
    /// The shard's core panicked; its mailbox refuses messages.
    Panicked,
}

/// One shard's health: the shard writes it; the watchdog and readiness read it.
#[derive(Debug, Default)]
pub(super) struct Presence {
    state: AtomicU8,
    thread_id: AtomicU32,
    in_step: AtomicBool,
    stalled_nanos: AtomicU64,
}

impl Presence {
    pub(super) fn state(&self) -> ShardState {
        match self.state.load(Ordering::Acquire) {
            0 => ShardState::Starting,
            1 => ShardState::Running,
            2 => ShardState::Ended,
            _ => ShardState::Panicked,
        }
    }

    fn set_state(&self, state: ShardState) {
        self.state.store(state as u8, Ordering::Release);
    }

    /// The kernel's id of the shard's thread, once it runs.
    pub(super) fn thread_id(&self) -> Option<u32> {
        Some(self.thread_id.load(Ordering::Relaxed)).filter(|&id| id != 0)
    }

    /// Whether the core is in a step: a thread that sleeps inside a step has not lost a wake-up.
    pub(super) fn in_step(&self) -> bool {
        self.in_step.load(Ordering::Relaxed)
    }

    pub(super) fn set_in_step(&self, in_step: bool) {
        self.in_step.store(in_step, Ordering::Relaxed);
    }

    /// Time for which messages have waited while none was taken; zero while all is well. The watchdog writes it.
    pub(super) fn stalled_for(&self) -> Duration {
        Duration::from_nanos(self.stalled_nanos.load(Ordering::Relaxed))
    }

    pub(super) fn set_stalled_for(&self, stalled: Duration) {
        let nanos = u64::try_from(stalled.as_nanos()).unwrap_or(u64::MAX);
        self.stalled_nanos.store(nanos, Ordering::Relaxed);
    }
}

/// Held by a shard's thread while it serves. Dropping it, by a panic too, updates the presence and closes the mailbox,
/// so a dead shard is always noticed.
pub(super) struct Attendance<M> {
    shard: usize,
    presence: Arc<Presence>,
    mailbox: Arc<Mailbox<M>>,
}

impl<M> Attendance<M> {
    pub(super) fn begin(shard: usize, presence: Arc<Presence>, mailbox: Arc<Mailbox<M>>) -> Self {
        presence.thread_id.store(sys::current_thread_id(), Ordering::Relaxed);
        presence.set_state(ShardState::Running);
        Self { shard, presence, mailbox }
    }
}

impl<M> Drop for Attendance<M> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(shard = self.shard, "a shard panicked; its mailbox refuses messages from now on");
            self.presence.set_state(ShardState::Panicked);
        } else {
            self.presence.set_state(ShardState::Ended);
        }
        self.mailbox.abandon();
    }
}

/// The health of all shards, cheap to clone, for readiness and metrics.
#[derive(Clone, Debug)]
pub struct Liveness {
    pub(super) shards: Arc<[Arc<Presence>]>,
}

impl Liveness {
    /// Whether every shard takes messages.
    pub fn alive(&self) -> bool {
        self.shards.iter().all(|shard| shard.state() == ShardState::Running)
    }

    /// The stage of each shard.
    pub fn states(&self) -> Vec<ShardState> {
        self.shards.iter().map(|shard| shard.state()).collect()
    }

    /// Time for which each shard has left its messages untouched, to within the watchdog's period, whatever the cause:
    /// a lost wake-up, a long step, or no CPU. Readiness turns false when the longest exceeds a second.
    pub fn stalled_for(&self) -> Vec<Duration> {
        self.shards.iter().map(|shard| shard.stalled_for()).collect()
    }

    /// The kernel's id of each shard's thread; `None` before it runs.
    pub fn thread_ids(&self) -> Vec<Option<u32>> {
        self.shards.iter().map(|shard| shard.thread_id()).collect()
    }
}
