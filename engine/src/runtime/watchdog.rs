//! A thread outside the shards that checks every few milliseconds for a shard that sleeps although it has messages.
//!
//! It must not report false alarms: a shard without progress may be in a long step, or waiting for a CPU that others
//! hold. So a re-wake is counted only if, for a whole period, no message was taken from a non-empty queue, the core is
//! not in a step, the kernel reports the thread as asleep, and the sleeping flag is clear, which means that it was
//! woken: a wake-up was lost. If the flag is still set, the pusher has stored its message but has not woken the shard
//! yet (it lost its own CPU in between): the shard is woken too, which is quicker for it, and nothing is counted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::presence::{Presence, ShardState};
use crate::{
    mailbox::{Queue, QueueState, Watched},
    metrics::ShardMetrics,
    sys::{self, ThreadState},
};

/// The watchdog's view of one shard.
pub(super) struct Ward {
    pub(super) presence: Arc<Presence>,
    pub(super) mailbox: Arc<dyn Watched>,
    pub(super) metrics: Arc<ShardMetrics>,
}

/// The watchdog's thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Watchdog {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    pub(super) fn start(wards: Vec<Ward>, period: Duration) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let mut records = vec![Record::default(); wards.len()];
        let thread = std::thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
            while !stopped.load(Ordering::Acquire) {
                std::thread::park_timeout(period);
                for (ward, record) in wards.iter().zip(&mut records) {
                    look(ward, record, Instant::now(), period);
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("the watchdog had panicked");
            }
        }
    }
}

/// The time since which each queue has had messages while none was taken.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    pops: [u64; 2],
    unmoved_since: [Option<Instant>; 2],
}

fn look(ward: &Ward, record: &mut Record, now: Instant, period: Duration) {
    if ward.presence.state() != ShardState::Running {
        ward.presence.set_stalled_for(Duration::ZERO);
        return;
    }
    let mut stalled_longest = Duration::ZERO;
    for queue in Queue::ALL {
        let state = ward.mailbox.queue_state(queue);
        let unmoved = unmoved_for(record, queue, state, now);
        stalled_longest = stalled_longest.max(unmoved);
        if unmoved >= period {
            if is_asleep(&ward.presence) && !state.sleeping && !moved(ward, queue, state) {
                ward.metrics.rewakes.add(1);
            }
            ward.mailbox.rewake(queue);
        }
    }
    ward.presence.set_stalled_for(stalled_longest);
}

fn unmoved_for(record: &mut Record, queue: Queue, state: QueueState, now: Instant) -> Duration {
    let since = &mut record.unmoved_since[queue as usize];
    let pops = &mut record.pops[queue as usize];
    if state.depth == 0 {
        *since = None;
    } else if since.is_none() || *pops != state.pops {
        *since = Some(now);
    }
    *pops = state.pops;
    since.map_or(Duration::ZERO, |since| now - since)
}

fn is_asleep(presence: &Presence) -> bool {
    !presence.in_step()
        && presence.thread_id().and_then(sys::thread_state) == Some(ThreadState::Asleep)
        && !presence.in_step()
}

/// Whether a message was taken since the state `before`.
fn moved(ward: &Ward, queue: Queue, before: QueueState) -> bool {
    ward.mailbox.queue_state(queue).pops != before.pops
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;
    use crate::{mailbox::Mailbox, runtime::presence::Attendance};

    const PERIOD: Duration = Duration::from_millis(5);

    /// A shard's thread that runs `does` until the test ends, with one message in its mailbox that it never takes.
    fn ward_whose_thread(does: impl Fn(&mpsc::Receiver<()>) + Send + 'static) -> (Ward, mpsc::Sender<()>) {
        let mailbox = Arc::new(Mailbox::new(4, 4));
        mailbox.push(Queue::Ticks, ()).unwrap();
        let presence = Arc::<Presence>::default();
        let (began, begun) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let (of_thread, mail) = (presence.clone(), mailbox.clone());
        thread::spawn(move || {
            let _attendance = Attendance::begin(0, of_thread, mail);
            began.send(()).unwrap();
            does(&ended);
        });
        begun.recv().unwrap();
        (Ward { presence, mailbox, metrics: Arc::default() }, end)
    }

    fn sleeps(ended: &mpsc::Receiver<()>) {
        ended.recv().ok();
    }

    fn runs(ended: &mpsc::Receiver<()>) {
        while ended.try_recv() == Err(mpsc::TryRecvError::Empty) {}
    }

    /// Checks twice, a period apart.
    fn rewakes_after_two_looks(ward: &Ward) -> u64 {
        let (mut record, start) = (Record::default(), Instant::now());
        look(ward, &mut record, start, PERIOD);
        look(ward, &mut record, start + PERIOD, PERIOD);
        assert_eq!(ward.presence.stalled_for(), PERIOD);
        ward.metrics.rewakes.get()
    }

    fn until_asleep(ward: &Ward) {
        while !is_asleep(&ward.presence) {
            thread::yield_now();
        }
    }

    #[test]
    fn a_shard_asleep_with_mail_is_woken_and_counted() {
        let (ward, _end) = ward_whose_thread(sleeps);
        until_asleep(&ward);
        assert_eq!(rewakes_after_two_looks(&ward), 1);
    }

    #[test]
    fn a_shard_that_runs_or_waits_for_a_cpu_is_stalled_but_not_counted() {
        let (ward, _end) = ward_whose_thread(runs);
        assert_eq!(rewakes_after_two_looks(&ward), 0);
    }

    #[test]
    fn a_shard_that_waits_inside_a_step_is_not_counted() {
        let (ward, _end) = ward_whose_thread(sleeps);
        until_asleep(&ward);
        ward.presence.set_in_step(true);
        assert_eq!(rewakes_after_two_looks(&ward), 0);
    }

    #[test]
    fn progress_or_an_empty_queue_ends_a_stall() {
        let mut record = Record::default();
        let start = Instant::now();
        let state = |depth, pops| QueueState { depth, pops, sleeping: false };
        assert_eq!(unmoved_for(&mut record, Queue::Ticks, state(1, 0), start), Duration::ZERO);
        assert_eq!(unmoved_for(&mut record, Queue::Ticks, state(2, 0), start + PERIOD), PERIOD);
        assert_eq!(unmoved_for(&mut record, Queue::Ticks, state(2, 1), start + 2 * PERIOD), Duration::ZERO);
        assert_eq!(unmoved_for(&mut record, Queue::Ticks, state(0, 3), start + 3 * PERIOD), Duration::ZERO);
        assert_eq!(unmoved_for(&mut record, Queue::Ticks, state(1, 3), start + 4 * PERIOD), Duration::ZERO);
    }
}
