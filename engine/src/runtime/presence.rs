//! What the outside knows of a shard: whether it lives, and for how long its mail has not moved.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{mailbox::Mailbox, sys};

/// Where a shard is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ShardState {
    /// Its thread or executor is being made.
    Starting,
    /// It takes messages.
    Running,
    /// It drained its closed mailbox and ended.
    Ended,
    /// Its core panicked; its mailbox refuses messages.
    Panicked,
}

/// Written by the shard, read by the watchdog and by readiness.
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

    /// Whether the core is at work: what it waits for then is its own affair and no lost wake-up.
    pub(super) fn in_step(&self) -> bool {
        self.in_step.load(Ordering::Relaxed)
    }

    pub(super) fn set_in_step(&self, in_step: bool) {
        self.in_step.store(in_step, Ordering::Relaxed);
    }

    /// For how long mail has waited without one message taken; zero while all is well. Written by the watchdog.
    pub(super) fn stalled_for(&self) -> Duration {
        Duration::from_nanos(self.stalled_nanos.load(Ordering::Relaxed))
    }

    pub(super) fn set_stalled_for(&self, stalled: Duration) {
        let nanos = u64::try_from(stalled.as_nanos()).unwrap_or(u64::MAX);
        self.stalled_nanos.store(nanos, Ordering::Relaxed);
    }
}

/// Held by a shard's thread for as long as it serves. Its drop, also by a panic, says so to everyone: a shard is never
/// silently dead.
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

/// The shards' health, cheap to clone, for readiness and metrics.
#[derive(Clone, Debug)]
pub struct Liveness {
    pub(super) shards: Arc<[Arc<Presence>]>,
}

impl Liveness {
    /// Whether every shard takes messages.
    pub fn alive(&self) -> bool {
        self.shards.iter().all(|shard| shard.state() == ShardState::Running)
    }

    /// Where each shard is in its life.
    pub fn states(&self) -> Vec<ShardState> {
        self.shards.iter().map(|shard| shard.state()).collect()
    }

    /// For how long each shard has left its mail untouched, whatever the cause: a lost wake-up, a long step, or no
    /// CPU. Readiness turns false when the longest passes a second. To within a watchdog's period.
    pub fn stalled_for(&self) -> Vec<Duration> {
        self.shards.iter().map(|shard| shard.stalled_for()).collect()
    }

    /// The kernel's id of each shard's thread; `None` before it runs.
    pub fn thread_ids(&self) -> Vec<Option<u32>> {
        self.shards.iter().map(|shard| shard.thread_id()).collect()
    }
}
