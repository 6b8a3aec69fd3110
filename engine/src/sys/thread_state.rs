//! What a thread is doing, as the kernel's scheduler sees it: asleep, or waiting for a CPU that others hold?
#![allow(unsafe_code)]

use std::{fs, time::Duration};

/// A thread's state, as far as the watchdog cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadState {
    /// On a CPU or in line for one: whatever it has not done yet, it will do when its turn comes.
    Runnable,
    /// Waits for an event.
    Asleep,
    /// In a disk wait, stopped, traced, or ending.
    Other,
}

/// A thread's account with the scheduler since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchedStat {
    /// Time on a CPU.
    pub on_cpu: Duration,
    /// Time in line for one. A wait still under way is added when it ends.
    pub run_delay: Duration,
}

/// The kernel's id of the calling thread.
pub fn current_thread_id() -> u32 {
    // SAFETY: gettid takes nothing and cannot fail.
    let id = unsafe { libc::gettid() };
    u32::try_from(id).expect("thread ids are positive")
}

/// What the thread of this process is doing; `None` when it is gone or /proc is not there.
pub fn thread_state(thread_id: u32) -> Option<ThreadState> {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread_id}/stat")).ok()?;
    // `id (name) state …`; the name may hold spaces and parentheses.
    match stat.rsplit_once(") ")?.1.chars().next()? {
        'R' => Some(ThreadState::Runnable),
        'S' | 'I' => Some(ThreadState::Asleep),
        _ => Some(ThreadState::Other),
    }
}

/// The thread's account; `None` when it is gone or the kernel keeps none.
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
