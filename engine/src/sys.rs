//! What the engine asks of Linux. Unsafe code lies in `uring` alone.
//!
//! Map: `affinity` (which CPUs are allowed, pin a thread), `memlock` (lockable memory), `quota` (the control
//! group's CPU share), `thread_state` (what a thread does, how long it waited for a CPU), `uring` (would glommio run
//! here?), and the membarrier registration below. Everything answers with a value or a reason in words.

mod affinity;
mod memlock;
mod quota;
mod thread_state;
mod uring;

use rustix::thread::{MembarrierCommand, membarrier};

pub use self::{
    affinity::{allowed_cpus, pin_current_thread},
    memlock::{MEMLOCK_BYTES_MIN, raise_memlock},
    quota::cpu_quota,
    thread_state::{SchedStat, ThreadState, current_thread_id, sched_stat, thread_state},
    uring::probe_uring,
};

/// Registers the process for cheap membarriers. glommio issues one before each sleep; the registration costs tens of
/// milliseconds on large machines once there are many threads, so it belongs at the start of `main`. It may be
/// repeated, and where the kernel refuses it glommio finds its own substitute.
pub fn register_membarrier() {
    membarrier(MembarrierCommand::RegisterPrivateExpedited).ok();
}
