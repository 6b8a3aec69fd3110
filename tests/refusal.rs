//! Where io_uring, lockable memory or CPUs are refused, the shards run on plain threads by themselves, say why, and
//! serve. Each refusal happens for real, in a child: this test binary again, told by an environment variable.

#![allow(clippy::unwrap_used)]

use std::{
    process::Command,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use stormglass_engine::{
    cpu::{CpuRequest, plan},
    mailbox::{Mailbox, PushError, Queue},
    metrics::ShardMetrics,
    runtime::{RuntimeChoice, RuntimeError, RuntimeReport, ShardState, ShardStep, Shards, spawn_shards},
    sys,
};

const REFUSAL: &str = "STORMGLASS_TEST_REFUSAL";

/// Answers every message with its shard's index; panics when told to.
struct Echo {
    shard: usize,
}

enum Ask {
    Index(mpsc::Sender<usize>),
    Panic,
}

impl ShardStep for Echo {
    type Message = Ask;

    fn step(&mut self, _now: Instant, messages: &mut Vec<Ask>) {
        for ask in messages.drain(..) {
            match ask {
                Ask::Index(reply) => reply.send(self.shard).expect("the test waits"),
                Ask::Panic => panic!("as the test asked"),
            }
        }
    }
}

type Started = (Shards, Vec<Arc<Mailbox<Ask>>>);

fn start(choice: RuntimeChoice, shards: usize) -> Result<Started, RuntimeError> {
    let request = CpuRequest { shards: Some(shards), ..CpuRequest::default() };
    let plan = plan(&sys::allowed_cpus().unwrap(), sys::cpu_quota(), &request);
    let mailboxes: Vec<_> = (0..shards).map(|_| Arc::new(Mailbox::new(16, 16))).collect();
    let metrics: Vec<Arc<ShardMetrics>> = (0..shards).map(|_| Arc::default()).collect();
    spawn_shards(&plan, choice, &mailboxes, &metrics, |shard| Echo { shard })
        .map(|shards| (shards, mailboxes))
}

/// Every shard answers by both queues.
fn assert_messages_flow((shards, mailboxes): Started) -> RuntimeReport {
    for (shard, mailbox) in mailboxes.iter().enumerate() {
        for queue in Queue::ALL {
            let (reply, answer) = mpsc::channel();
            mailbox.push(queue, Ask::Index(reply)).ok().expect("the queue is empty");
            assert_eq!(answer.recv_timeout(Duration::from_secs(10)), Ok(shard));
        }
    }
    assert!(shards.alive());
    let report = shards.report().clone();
    shards.stop_and_join().unwrap();
    assert!(matches!(mailboxes[0].push(Queue::Ticks, Ask::Panic), Err(PushError::Closed(_))));
    report
}

/// Runs the named test of this binary again with the refusal in force; its words come back.
fn in_child(test: &str, refusal: &str) -> String {
    let child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(REFUSAL, refusal)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{said}");
    said
}

fn is_child() -> bool {
    std::env::var_os(REFUSAL).is_some()
}

/// The child's part: whatever was refused, Auto serves, and glommio by name is an error with the same cause.
fn serve_refused(cause: &str) {
    let report = assert_messages_flow(start(RuntimeChoice::Auto, 2).unwrap());
    println!("{report:?}");
    assert_eq!(report.name, "thread");
    assert!(!cfg!(feature = "glommio") || report.reason.contains(cause), "{report:?}");
    assert!(matches!(start(RuntimeChoice::Glommio, 1), Err(RuntimeError::GlommioRefused(_))));
}

#[test]
fn under_a_seccomp_filter_auto_takes_threads_and_names_eperm() {
    if is_child() {
        refuse::io_uring();
        return serve_refused("EPERM");
    }
    let said = in_child("under_a_seccomp_filter_auto_takes_threads_and_names_eperm", "seccomp");
    assert!(said.contains("name: \"thread\""), "{said}");
}

#[test]
fn with_64_kib_of_lockable_memory_auto_takes_threads_and_names_the_limit() {
    if is_child() {
        refuse::locked_memory(64 * 1024);
        return serve_refused("RLIMIT_MEMLOCK is 64 KiB");
    }
    in_child("with_64_kib_of_lockable_memory_auto_takes_threads_and_names_the_limit", "memlock");
}

#[test]
fn on_one_cpu_of_many_the_shards_serve_unpinned() {
    if is_child() {
        let last = *sys::allowed_cpus().unwrap().last().unwrap();
        // Threads started from here inherit it, as in a cpuset.
        sys::pin_current_thread(last).unwrap();
        for choice in [RuntimeChoice::Auto, RuntimeChoice::Thread] {
            let report = assert_messages_flow(start(choice, 1).unwrap());
            assert_eq!(report.shard_cpus, [None], "{report:?}");
        }
        return;
    }
    in_child("on_one_cpu_of_many_the_shards_serve_unpinned", "one cpu");
}

#[test]
fn more_shards_than_cpus_serve_on_every_runtime() {
    for choice in [RuntimeChoice::Auto, RuntimeChoice::Thread] {
        let report = assert_messages_flow(start(choice, 4).unwrap());
        assert_eq!(report.shard_cpus.len(), 4);
    }
}

#[test]
fn a_shard_that_panics_is_noticed_and_refuses_messages() {
    for choice in [RuntimeChoice::Auto, RuntimeChoice::Thread] {
        let (shards, mailboxes) = start(choice, 2).unwrap();
        mailboxes[1].push(Queue::Control, Ask::Panic).ok().expect("the queue is empty");
        let deadline = Instant::now() + Duration::from_secs(10);
        while shards.alive() || !mailboxes[1].is_closed() {
            assert!(Instant::now() < deadline, "the panic went unnoticed");
            std::thread::yield_now();
        }
        assert_eq!(shards.liveness().states(), [ShardState::Running, ShardState::Panicked]);
        assert!(matches!(mailboxes[1].push(Queue::Ticks, Ask::Panic), Err(PushError::Closed(_))));
        assert_eq!(shards.stop_and_join().unwrap_err().panicked, [1]);
    }
}

#[test]
fn a_core_that_cannot_be_built_is_noticed() {
    for choice in [RuntimeChoice::Auto, RuntimeChoice::Thread] {
        let plan = plan(&[], None, &CpuRequest::default());
        let mailbox = Arc::new(Mailbox::<Ask>::new(16, 16));
        let fails = |_| -> Echo { panic!("as the test asked") };
        let shards = spawn_shards(&plan, choice, &[mailbox], &[Arc::default()], fails).unwrap();
        assert_eq!(shards.stop_and_join().unwrap_err().panicked, [0]);
    }
}

/// Taking things away from this process, for good.
#[allow(unsafe_code)]
mod refuse {
    /// As Docker's default profile does: io_uring_setup (425) fails with EPERM.
    pub(super) fn io_uring() {
        let filter =
            |code, jump_true, jump_false, k| libc::sock_filter { code, jt: jump_true, jf: jump_false, k };
        let mut filters = [
            filter(0x20, 0, 0, 0),                                // load the call's number
            filter(0x15, 0, 1, libc::SYS_io_uring_setup as u32),  // is it this one?
            filter(0x06, 0, 0, 0x0005_0000 | libc::EPERM as u32), // then an error
            filter(0x06, 0, 0, 0x7fff_0000),                      // else allow
        ];
        let program = libc::sock_fprog { len: 4, filter: filters.as_mut_ptr() };
        // SAFETY: `program` and the filters behind it live through the call, and the kernel copies them. Only new
        // threads inherit the filter, and the shards' threads are started after this.
        unsafe {
            assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
            assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
        }
    }

    /// The hard limit too, so that nobody can raise it back.
    pub(super) fn locked_memory(bytes: u64) {
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
        // SAFETY: the kernel reads one rlimit through a pointer to one.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) }, 0);
    }
}
