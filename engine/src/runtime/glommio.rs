//! The runtime of a glommio executor: control, ticks and background in task queues of their own.
//!
//! glommio 0.9.0 can park with a runnable task queue: when preemption is already due as it begins to run its
//! queues, it takes that for "nothing to run". A foreign wake opens that window, and nothing closes it but another
//! event. So: both waiting tasks run the same whole turn, hence any one of them serves both lanes; a heartbeat timer
//! brings another event within its period; and because the same window can swallow the heartbeat's own wake-up
//! (its timer fired, its task not yet polled, no next timer set), the watchdog outside re-wakes what it finds asleep
//! with mail. Nothing here relies on being preempted: a turn is bounded and yields.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    time::{Duration, Instant},
};

use glommio::{
    Latency, LocalExecutor, LocalExecutorBuilder, Placement, Shares, Task, TaskQueueHandle, executor,
    spawn_local_into, timer,
};

use super::{
    ShardStep,
    thread::spin_for_mail,
    turn::{ShardLoop, Turn},
};
use crate::mailbox::{Lane, LaneWatch};

/// glommio's default lets a busy task delay a foreign wake for 100 ms.
const PREEMPT_TIMER: Duration = Duration::from_millis(1);
/// Shards do no disk I/O: small rings, and the least memory to register (fits the lowest memlock limits).
const RING_DEPTH: usize = 64;

/// An executor on the calling thread, pinned if it can be; the second value is where it is.
///
/// # Errors
/// glommio's refusal in words.
pub(super) fn make_executor(cpu: Option<usize>) -> Result<(LocalExecutor, Option<usize>), String> {
    let make = |placement| {
        LocalExecutorBuilder::new(placement)
            .name("shard")
            .io_memory(0)
            .ring_depth(RING_DEPTH)
            .preempt_timer(PREEMPT_TIMER)
            .make()
    };
    if let Some(cpu) = cpu {
        match make(Placement::Fixed(cpu)) {
            Ok(executor) => return Ok((executor, Some(cpu))),
            Err(error) => tracing::warn!(cpu, %error, "glommio cannot pin here; the shard runs unpinned"),
        }
    }
    make(Placement::Unbound).map(|executor| (executor, None)).map_err(|error| error.to_string())
}

/// What the tasks of a shard share. Borrowed for a turn, never across an await.
struct Shared<S: ShardStep> {
    shard: RefCell<ShardLoop<S>>,
    /// Both lanes are done.
    ended: Cell<bool>,
    /// A panic of the core. It is carried out of the executor by hand: glommio's destructors panic again when a
    /// panic unwinds through them, which would abort the process.
    panic: Cell<Option<Panic>>,
}

type Panic = Box<dyn Any + Send>;

impl<S: ShardStep> Shared<S> {
    /// Lets the core work; after a panic it is never touched again, and the mailbox is closed so that both tasks end.
    fn guarded<T>(&self, work: impl FnOnce(&mut ShardLoop<S>) -> T) -> Option<T> {
        if self.ended.get() {
            return None;
        }
        catch_unwind(AssertUnwindSafe(|| work(&mut self.shard.borrow_mut())))
            .map_err(|panic| {
                self.panic.set(Some(panic));
                self.ended.set(true);
                self.shard.borrow().mailbox().close();
            })
            .ok()
    }
}

/// Serves until the mailbox is closed and drained.
///
/// # Errors
/// The panic of the core, to be resumed once the executor is gone.
pub(super) fn serve<S: ShardStep>(
    executor: &LocalExecutor,
    shard: ShardLoop<S>,
    spin: Duration,
    heartbeat: Option<Duration>,
) -> Result<(), Panic> {
    let shard =
        Rc::new(Shared { shard: RefCell::new(shard), ended: Cell::new(false), panic: Cell::new(None) });
    let panic = shard.clone();
    executor.run(async move {
        let control = queue(1_000, Latency::Matters(PREEMPT_TIMER), "control");
        let ticks = queue(500, Latency::NotImportant, "ticks");
        let background = queue(100, Latency::NotImportant, "background");
        let beats = heartbeat.map(|period| spawn(beat(shard.clone(), period), background));
        let lanes = [
            // Only one of the two spins, or each would wait out the other.
            spawn(serve_lane(shard.clone(), Lane::Control, spin, heartbeat.is_none()), control),
            spawn(serve_lane(shard.clone(), Lane::Ticks, Duration::ZERO, false), ticks),
        ];
        for lane in lanes {
            lane.await;
        }
        // The heart beats until the lanes are done, and ends by itself: a cancelled timer would leave the last wake-up
        // unguarded.
        shard.ended.set(true);
        if let Some(beats) = beats {
            beats.await;
        }
    });
    panic.panic.take().map_or(Ok(()), Err)
}

fn queue(shares: usize, latency: Latency, name: &str) -> TaskQueueHandle {
    executor().create_task_queue(Shares::Static(shares), latency, name)
}

fn spawn(task: impl Future<Output = ()> + 'static, queue: TaskQueueHandle) -> Task<()> {
    spawn_local_into(task, queue).expect("the queue was created by this executor")
}

/// Waits for one lane, then serves both.
async fn serve_lane<S: ShardStep>(shard: Rc<Shared<S>>, lane: Lane, spin: Duration, idles: bool) {
    let mailbox = shard.shard.borrow().mailbox().clone();
    let mut watch = LaneWatch::new(mailbox.clone(), lane);
    while let Some(turn) = shard.guarded(|shard| shard.turn(Instant::now)) {
        match turn {
            // Lets the executor look at its rings and the other queues between turns.
            Turn::Worked => executor().yield_task_queue_now().await,
            Turn::Ended => return,
            Turn::Idle => {
                if idles {
                    shard.guarded(ShardLoop::idle);
                }
                if !spin_for_mail(&mailbox, spin) {
                    poll_fn(|cx| watch.poll_mail(cx)).await;
                }
            }
        }
    }
}

/// The heartbeat, which also carries the background work.
async fn beat<S: ShardStep>(shard: Rc<Shared<S>>, period: Duration) {
    while !shard.ended.get() {
        timer::sleep(period).await;
        shard.guarded(ShardLoop::idle);
    }
}
