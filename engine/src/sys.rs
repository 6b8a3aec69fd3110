//! What the engine asks of Linux: the only unsafe code of the runtimes, each block argued.
//!
//! Map: `affinity` (which CPUs are allowed, pin a thread), `memlock` (lockable memory), `quota` (the control
//! group's CPU share), `thread_state` (what a thread does, how long it waited for a CPU), `uring` (would glommio run
//! here?), and the membarrier registration below. Everything answers with a value or a reason in words.

mod affinity;
mod memlock;
mod quota;
mod thread_state;
mod uring;

pub use self::{
    affinity::{allowed_cpus, pin_current_thread},
    memlock::{MEMLOCK_BYTES_MIN, raise_memlock},
    quota::cpu_quota,
    thread_state::{SchedStat, ThreadState, current_thread_id, sched_stat, thread_state},
    uring::probe_uring,
};

/// Registers the process for cheap membarriers. glommio issues one before each sleep; the registration costs tens of
/// milliseconds on large machines once there are many threads, so it belongs at the start of `main`. Harmless
/// when repeated, and where the kernel refuses it glommio finds its own substitute.
#[allow(unsafe_code)]
pub fn register_membarrier() {
    const MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;
    // SAFETY: membarrier takes three integers and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) };
}
