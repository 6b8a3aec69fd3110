//! Every interleaving of a push and a sleep, by model. Run:
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p stormglass-engine --no-default-features --profile testing --lib loom
//! ```
//!
//! The queue is one atomic count, stored with release and read with acquire as the real queue does at least: a lock
//! there would order the two sides by itself and hide a missing fence. Take either fence out of the gate and
//! these tests deadlock.

use std::future::poll_fn;

use loom::{
    future::block_on,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::gate::{SleepGate, Sleeper};

struct Queue {
    gate: SleepGate,
    mail: AtomicUsize,
}

fn queue() -> Arc<Queue> {
    Arc::new(Queue { gate: SleepGate::default(), mail: AtomicUsize::new(0) })
}

impl Queue {
    fn push(&self) {
        self.mail.fetch_add(1, Ordering::Release);
        self.gate.notify();
    }

    /// Sleeps until `count` messages came, taking what it finds at each wake.
    /// Returns how often the flag went up.
    fn take(&self, count: usize) -> u64 {
        let mut sleeper = Sleeper::default();
        let (mut taken, mut polls) = (0, 0);
        while taken < count {
            block_on(poll_fn(|cx| {
                polls += 1;
                self.gate.poll_news(&mut sleeper, cx, || self.mail.load(Ordering::Acquire) > taken)
            }));
            taken = self.mail.load(Ordering::Acquire);
        }
        polls
    }
}

#[test]
fn loom_a_push_is_never_slept_through() {
    loom::model(|| {
        let queue = queue();
        let pusher = {
            let queue = queue.clone();
            thread::spawn(move || queue.push())
        };
        queue.take(1);
        pusher.join().unwrap();
    });
}

#[test]
fn loom_two_pushers_wake_a_sleep_once() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let queue = queue();
        let pushers: Vec<_> = (0..2)
            .map(|_| {
                let queue = queue.clone();
                thread::spawn(move || queue.push())
            })
            .collect();
        let polls = queue.take(2);
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        assert!(queue.gate.wakes() <= polls, "a raised flag was taken down by two pushers");
    });
}

#[test]
fn loom_two_pushes_of_one_thread_arrive() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let queue = queue();
        let pusher = {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.push();
                queue.push();
            })
        };
        queue.take(2);
        pusher.join().unwrap();
    });
}
