//! The CPUs that this process may use, and pinning a thread to one of them.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The CPUs that the process may run on, ascending: those that the cpuset and `taskset` leave, not all of the
/// machine's.
///
/// # Errors
/// The kernel's error; callers then plan for one unpinned shard.
pub fn allowed_cpus() -> io::Result<Vec<usize>> {
    let set = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect())
}

/// Pins the calling thread to one CPU.
///
/// # Errors
/// `EINVAL` when the CPU is outside the cpuset, or the kernel's refusal.
pub fn pin_current_thread(cpu: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    // A CPU beyond the set's size leaves the set empty, and the kernel refuses an empty set.
    if cpu < CpuSet::MAX_CPU {
        set.set(cpu);
    }
    Ok(sched_setaffinity(None, &set)?)
}

#[cfg(test)]
mod tests {
    use super::{allowed_cpus, pin_current_thread};

    #[test]
    fn a_pinned_thread_may_use_only_its_cpu() {
        let last = *allowed_cpus().unwrap().last().expect("this thread runs somewhere");
        // On a thread of its own: the pin must not outlive the test.
        let seen = std::thread::spawn(move || {
            pin_current_thread(last).unwrap();
            allowed_cpus().unwrap()
        });
        assert_eq!(seen.join().unwrap(), [last]);
    }

    #[test]
    fn a_cpu_that_does_not_exist_is_refused() {
        assert!(pin_current_thread(100_000).is_err());
    }
}
