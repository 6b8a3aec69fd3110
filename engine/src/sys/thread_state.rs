//! The state of a thread as the kernel's scheduler sees it: asleep, or waiting for a CPU that others hold.

use std::{fs, time::Duration};

/// The states of a thread that the watchdog distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadState {
    /// The thread has a CPU or waits for one.
    Runnable,
    /// The thread waits for an event.
    Asleep,
    /// The thread waits for a disk, or is stopped, traced, or ending.
    Other,
}

/// CPU time of a thread since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchedStat {
    /// Time on a CPU.
    pub on_cpu: Duration,
    /// Time in which the thread waited for a CPU. A wait is added when it ends.
    pub run_delay: Duration,
}

/// The kernel's id of the calling thread.
pub fn current_thread_id() -> u32 {
    rustix::thread::gettid().as_raw_pid().unsigned_abs()
}

/// The state of a thread of this process; `None` if the thread is gone or /proc is missing.
pub fn thread_state(thread_id: u32) -> Option<ThreadState> {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread_id}/stat")).ok()?;
    // `id (name) state …`; the name may hold spaces and parentheses.
    match stat.rsplit_once(") ")?.1.chars().next()? {
        'R' => Some(ThreadState::Runnable),
        'S' | 'I' => Some(ThreadState::Asleep),
        _ => Some(ThreadState::Other),
    }
}

/// CPU time of a thread of this process; `None` if the thread is gone or the kernel does not count it.
pub fn sched_stat(thread_id: u32) -> Option<SchedStat> {
    let text = fs::read_to_string(format!("/proc/self/task/{thread_id}/schedstat")).ok()?;
    let mut nanos = text.split_whitespace().map(|field| field.parse().map(Duration::from_nanos));
    Some(SchedStat { on_cpu: nanos.next()?.ok()?, run_delay: nanos.next()?.ok()? })
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::{ThreadState, current_thread_id, sched_stat, thread_state};

    #[test]
    fn we_are_running_and_have_an_account() {
        assert_eq!(thread_state(current_thread_id()), Some(ThreadState::Runnable));
        assert!(sched_stat(current_thread_id()).is_some());
        assert_eq!(thread_state(u32::MAX), None);
    }

    #[test]
    fn a_thread_that_waits_is_asleep() {
        let (tell, told) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let waiter = thread::Builder::new().name("a) R (b".to_owned()).spawn(move || {
            tell.send(current_thread_id()).unwrap();
            ended.recv().ok();
        });
        let id = told.recv().unwrap();
        while thread_state(id) != Some(ThreadState::Asleep) {
            thread::yield_now();
        }
        drop(end);
        waiter.unwrap().join().unwrap();
    }
}
