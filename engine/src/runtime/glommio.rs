//! The runtime of a glommio executor: control, ticks and background in task queues of their own.
//!
//! glommio 0.9.0 can park with a runnable task queue: when preemption is already due as it begins to run its
//! queues, it takes that for "nothing to run". A foreign wake opens that window, and nothing closes it but another
//! event. So: both waiting tasks run the same whole turn, hence any one of them serves both lanes; a heartbeat timer
//! brings another event within its period; and because the same window can swallow the heartbeat's own wake-up
//! (its timer fired, its task not yet polled, no next timer set), the watchdog outside re-wakes what it finds asleep
//! with mail. Nothing here relies on being preempted: a turn is bounded and yields.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    time::Duration,
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

/// Serves until the mailbox is closed and drained.
pub(super) fn serve<S: ShardStep>(
    executor: &LocalExecutor,
    shard: ShardLoop<S>,
    spin: Duration,
    heartbeat: Option<Duration>,
) {
    let shard = Rc::new(RefCell::new(shard));
    executor.run(async move {
        let control = queue(1_000, Latency::Matters(PREEMPT_TIMER), "control");
        let ticks = queue(500, Latency::NotImportant, "ticks");
        let background = queue(100, Latency::NotImportant, "background");
        let ended = Rc::new(Cell::new(false));
        let beats = heartbeat.map(|period| spawn(beat(shard.clone(), period, ended.clone()), background));
        let lanes = [
            // Only one of the two spins, or each would wait out the other.
            spawn(serve_lane(shard.clone(), Lane::Control, spin, heartbeat.is_none()), control),
            spawn(serve_lane(shard, Lane::Ticks, Duration::ZERO, false), ticks),
        ];
        for lane in lanes {
            lane.await;
        }
        // The heart beats until the lanes are done, and ends by itself: a cancelled timer would leave the last wake-up
        // unguarded.
        ended.set(true);
        if let Some(beats) = beats {
            beats.await;
        }
    });
}

fn queue(shares: usize, latency: Latency, name: &str) -> TaskQueueHandle {
    executor().create_task_queue(Shares::Static(shares), latency, name)
}

fn spawn(task: impl Future<Output = ()> + 'static, queue: TaskQueueHandle) -> Task<()> {
    spawn_local_into(task, queue).expect("the queue was created by this executor")
}

/// Waits for one lane, then serves both. The core is borrowed for a turn, never across an await.
async fn serve_lane<S: ShardStep>(shard: Rc<RefCell<ShardLoop<S>>>, lane: Lane, spin: Duration, idles: bool) {
    let mailbox = shard.borrow().mailbox().clone();
    let mut watch = LaneWatch::new(mailbox.clone(), lane);
    loop {
        let turn = shard.borrow_mut().turn(std::time::Instant::now);
        match turn {
            // Lets the executor look at its rings and the other queues between turns.
            Turn::Worked => executor().yield_task_queue_now().await,
            Turn::Ended => return,
            Turn::Idle => {
                if idles {
                    shard.borrow_mut().idle();
                }
                if !spin_for_mail(&mailbox, spin) {
                    poll_fn(|cx| watch.poll_mail(cx)).await;
                }
            }
        }
    }
}

/// The heartbeat, which also carries the background work.
async fn beat<S: ShardStep>(shard: Rc<RefCell<ShardLoop<S>>>, period: Duration, ended: Rc<Cell<bool>>) {
    while !ended.get() {
        timer::sleep(period).await;
        shard.borrow_mut().idle();
    }
}
