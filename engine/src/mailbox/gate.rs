//! The sleeping flag and the waker of one queue. They make sure that exactly one pusher wakes a sleeper.

use std::task::{Context, Poll, Waker};

use crossbeam::utils::CachePadded;

#[cfg(loom)]
use loom::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering, fence},
};
#[cfg(not(loom))]
use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering, fence},
};

/// One queue's sleeping flag. Pushers share it; one sleeper owns the other side through a [`Sleeper`].
#[derive(Debug)]
pub(super) struct SleepGate {
    /// On its own cache line: every push reads it, and it changes only when the shard sleeps or wakes.
    sleeping: CachePadded<AtomicBool>,
    waker: Mutex<Option<Waker>>,
    parks: AtomicU64,
    wakes: AtomicU64,
}

/// The sleeper's side of a gate.
#[derive(Debug, Default)]
pub(super) struct Sleeper {
    /// A copy of the gate's waker: while it stays the same, no lock is taken.
    waker: Option<Waker>,
    /// Whether the last poll left the flag set.
    armed: bool,
}

impl Default for SleepGate {
    fn default() -> Self {
        Self {
            sleeping: CachePadded::new(AtomicBool::new(false)),
            waker: Mutex::new(None),
            parks: AtomicU64::new(0),
            wakes: AtomicU64::new(0),
        }
    }
}

impl SleepGate {
    /// Wakes the sleeper if the flag is set. Call it after the message was stored.
    pub(super) fn notify(&self) {
        // store(news); fence; load(flag). Pairs with `poll_news`: store(flag); fence; load(news).
        fence(Ordering::SeqCst);
        // The plain load keeps a busy shard's pushes free of locked instructions. The swap lets only one pusher wake
        // the sleeper.
        if self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::AcqRel) {
            self.wakes.fetch_add(1, Ordering::Relaxed);
            self.wake();
        }
    }

    /// Ready when there may be a message; otherwise sets the flag and stores `cx`'s waker in the gate.
    pub(super) fn poll_news(
        &self,
        sleeper: &mut Sleeper,
        cx: &Context<'_>,
        has_news: impl Fn() -> bool,
    ) -> Poll<()> {
        if sleeper.armed && !self.sleeping.load(Ordering::Acquire) {
            sleeper.armed = false;
            return Poll::Ready(());
        }
        if !sleeper.waker.as_ref().is_some_and(|held| held.will_wake(cx.waker())) {
            sleeper.waker = Some(cx.waker().clone());
            self.set_waker(sleeper.waker.clone());
        }
        // Release: a thread that sees the flag also sees the waker. A store would do instead of the swap, which costs
        // nothing compared with a sleep, but loom does not know that no store fits between the two halves of a pusher's
        // swap.
        self.sleeping.swap(true, Ordering::AcqRel);
        fence(Ordering::SeqCst);
        if has_news() {
            self.disarm(sleeper);
            return Poll::Ready(());
        }
        if !sleeper.armed {
            sleeper.armed = true;
            self.parks.fetch_add(1, Ordering::Relaxed);
        }
        Poll::Pending
    }

    /// Clears the flag without a wake, for a sleeper that found a message in another queue.
    pub(super) fn disarm(&self, sleeper: &mut Sleeper) {
        self.sleeping.swap(false, Ordering::Relaxed);
        sleeper.armed = false;
    }

    /// Wakes the sleeper whatever the flag's value. The lock is held while waking, so that a waker is never used after
    /// the shard took it back in [`set_waker`](Self::set_waker).
    pub(super) fn wake(&self) {
        if let Some(waker) = &*self.lock() {
            waker.wake_by_ref();
        }
    }

    /// Whether the flag is set: the shard sleeps, and no pusher has woken it.
    pub(super) fn is_sleeping(&self) -> bool {
        self.sleeping.load(Ordering::SeqCst)
    }

    pub(super) fn set_waker(&self, waker: Option<Waker>) {
        *self.lock() = waker;
    }

    pub(super) fn parks(&self) -> u64 {
        self.parks.load(Ordering::Relaxed)
    }

    pub(super) fn wakes(&self) -> u64 {
        self.wakes.load(Ordering::Relaxed)
    }

    #[cfg(not(loom))]
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        // A waker that panics leaves the option itself whole.
        self.waker.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    #[cfg(loom)]
    fn lock(&self) -> loom::sync::MutexGuard<'_, Option<Waker>> {
        self.waker.lock().expect("loom mutexes are not poisoned")
    }
}
