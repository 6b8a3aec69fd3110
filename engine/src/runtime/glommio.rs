//! The runtime of a glommio executor: pinned, with its rings, and with the shard as the one task that it runs.
//!
//! # Why the shard never hands the thread back
//! glommio 0.9.0 loses wake-ups: when preemption is due as it begins to run its task queues, it takes that for
//! "nothing to run" and parks with a runnable queue. Reproduced here: 9 shards asleep with mail in 150,145 foreign
//! wakes. A heartbeat timer and a watchdog that re-wakes closed that window but not the next one: in one start of
//! about forty of the whole service, the executor woke on every one of 11,686 re-wakes, found preemption due each
//! time, and never polled the task. The crate cannot be patched here, and its loop offers no other way in.
//!
//! So the shard does not rely on glommio for a wake-up. Its task serves turns and, when there is no message, parks this
//! thread by the mailbox's own protocol, which the loom models cover; it never returns `Pending`. Nothing relies on
//! preemption, a heartbeat or the watchdog. The turn itself sets the priorities: control before ticks, and one batch of
//! ticks a turn.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use glommio::{LocalExecutor, LocalExecutorBuilder, Placement};

use super::{ShardStep, thread, turn::ShardLoop};

/// Shards do no disk I/O: small rings, and the least memory to register (fits the lowest memlock limits).
const RING_DEPTH: usize = 64;

/// A panic of the core. It is carried out of the executor as a value: glommio's destructors panic again when a panic
/// unwinds through them, which would abort the process.
type Panic = Box<dyn Any + Send>;

/// Makes an executor on the calling thread, pinned if possible; the second value is the CPU it is pinned to.
///
/// # Errors
/// glommio's refusal as a sentence.
pub(super) fn make_executor(cpu: Option<usize>) -> Result<(LocalExecutor, Option<usize>), String> {
    let make = |placement| {
        LocalExecutorBuilder::new(placement).name("shard").io_memory(0).ring_depth(RING_DEPTH).make()
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
///
/// # Errors
/// The panic of the core, to be resumed once the executor is gone.
pub(super) fn serve<S: ShardStep>(
    executor: &LocalExecutor,
    mut shard: ShardLoop<S>,
    spin: Duration,
) -> Result<(), Panic> {
    executor.run(async move { catch_unwind(AssertUnwindSafe(|| thread::serve(&mut shard, spin))) })
}
