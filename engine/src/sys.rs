//! Calls to Linux. Only `uring` contains unsafe code.
//!
//! Map: `affinity` (allowed CPUs, pinning a thread), `memlock` (lockable memory), `quota` (the control group's CPU
//! share), `thread_state` (the state of a thread, and its wait for a CPU), `uring` (whether glommio can run here), and
//! the membarrier registration below. Each function returns a value, or a reason in words.

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

/// Registers the process for cheap membarriers. glommio issues one before each sleep; the registration takes tens of
/// milliseconds on large machines once there are many threads, so it belongs at the start of `main`. It may be
/// repeated; if the kernel refuses it, glommio uses a substitute.
pub fn register_membarrier() {
    membarrier(MembarrierCommand::RegisterPrivateExpedited).ok();
}
