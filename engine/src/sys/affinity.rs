//! Which CPUs this process may use, and pinning a thread to one.
#![allow(unsafe_code)]

use std::io;

/// The CPUs the process may run on, ascending: what the cpuset and `taskset` leave, not what the machine has.
///
/// # Errors
/// The kernel's error; callers then plan for one unpinned shard.
pub fn allowed_cpus() -> io::Result<Vec<usize>> {
    // SAFETY: an all-zero cpu_set_t is a valid, empty set; the kernel writes at most the size we pass.
    let set = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) != 0 {
            return Err(io::Error::last_os_error());
        }
        set
    };
    // SAFETY: CPU_ISSET only reads the set, and every index is below its size.
    Ok((0..libc::CPU_SETSIZE as usize).filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) }).collect())
}

/// Pins the calling thread to one CPU.
///
/// # Errors
/// `EINVAL` when the CPU is outside the cpuset, or the kernel's refusal.
pub fn pin_current_thread(cpu: usize) -> io::Result<()> {
    if cpu >= libc::CPU_SETSIZE as usize {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: an all-zero cpu_set_t is a valid, empty set; the index was checked; the kernel only reads the set.
    let status = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set)
    };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
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
