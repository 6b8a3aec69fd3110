//! Cells that one thread writes and any thread reads.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// A counter or a gauge with one writer: a load and a store, no locked instruction.
#[derive(Debug, Default)]
pub struct NumberCell(AtomicU64);

impl NumberCell {
    /// Adds to a counter; only the owning thread may call this.
    pub fn add(&self, amount: u64) {
        self.0.store(self.0.load(Ordering::Relaxed) + amount, Ordering::Relaxed);
    }

    /// The value, from any thread.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets a gauge; only the owning thread may call this.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Raises a gauge to `value`, unless it is higher; only the owning thread may call this.
    pub fn raise(&self, value: u64) {
        self.set(self.get().max(value));
    }
}

/// An instant with one writer: nanoseconds on the process's monotonic clock, 0 for "never".
#[derive(Debug, Default)]
pub struct InstantCell(NumberCell);

/// Zero of the nanoseconds in every [`InstantCell`].
static CLOCK_START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl InstantCell {
    /// Notes an instant; only the owning thread may call this.
    pub fn note(&self, at: Instant) {
        // Never 0, not even for the first instant.
        let nanos = at.saturating_duration_since(*CLOCK_START).as_nanos() as u64;
        self.0.set(nanos.saturating_add(1));
    }

    /// Time from the noted instant to `now`; `None` before the first note.
    pub fn elapsed_at(&self, now: Instant) -> Option<Duration> {
        let nanos = self.0.get().checked_sub(1)?;
        Some(now.saturating_duration_since(*CLOCK_START).saturating_sub(Duration::from_nanos(nanos)))
    }
}
