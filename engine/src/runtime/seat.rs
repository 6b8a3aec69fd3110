//! Lets all shard threads agree on one runtime. Every thread first tries to make an executor, which is possible only on
//! its own thread; then it waits for the decision: either every shard runs on glommio or none does.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use super::{
    RuntimeChoice, RuntimeError, RuntimeReport, ShardStep,
    presence::{Attendance, Presence},
    thread,
    turn::ShardLoop,
};
use crate::{mailbox::Mailbox, sys};

/// The plan for one shard's thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeatPlan {
    pub(super) shard: usize,
    pub(super) cpu: Option<usize>,
    pub(super) spin: Duration,
    pub(super) try_glommio: bool,
}

/// The shard thread's ends of the channels.
#[derive(Debug)]
pub(super) struct Seat {
    plan: SeatPlan,
    tried: Sender<Result<(), String>>,
    decision: Receiver<Decision>,
    seated: Sender<Option<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Glommio,
    Thread,
}

/// The spawner's ends of one thread's channels.
#[derive(Debug)]
struct Ushered {
    tried: Receiver<Result<(), String>>,
    decide: Sender<Decision>,
    seated: Receiver<Option<usize>>,
}

/// The spawner's side: it collects the attempts of all threads and decides.
#[derive(Debug, Default)]
pub(super) struct Usher {
    seats: Vec<Ushered>,
}

#[cfg(feature = "glommio")]
type Executor = (glommio::LocalExecutor, Option<usize>);
#[cfg(not(feature = "glommio"))]
enum Executor {}

impl Usher {
    pub(super) fn seat(&mut self, plan: SeatPlan) -> Seat {
        let (tried, was_tried) = channel();
        let (decide, decision) = channel();
        let (seated, was_seated) = channel();
        self.seats.push(Ushered { tried: was_tried, decide, seated: was_seated });
        Seat { plan, tried, decision, seated }
    }

    /// Waits for every thread's attempt, decides, and sends the decision to the threads. On an error the threads end,
    /// because their channels close.
    pub(super) fn settle(
        self,
        wish: Result<(), String>,
        choice: RuntimeChoice,
    ) -> Result<RuntimeReport, RuntimeError> {
        let died = || Err("the thread died while it made its executor".to_owned());
        let tries: Vec<_> =
            self.seats.iter().map(|seat| seat.tried.recv().unwrap_or_else(|_| died())).collect();
        let outcome = wish.and_then(|()| tries.into_iter().collect::<Result<(), String>>());
        let (decision, name, reason) = match (choice, outcome) {
            (RuntimeChoice::Glommio, Err(cause)) => return Err(RuntimeError::GlommioRefused(cause)),
            (RuntimeChoice::Glommio, Ok(())) => (Decision::Glommio, "glommio", "asked for".to_owned()),
            (RuntimeChoice::Auto, Ok(())) => (Decision::Glommio, "glommio", "io_uring works here".to_owned()),
            (RuntimeChoice::Thread, _) => (Decision::Thread, "thread", "asked for".to_owned()),
            (RuntimeChoice::Auto, Err(cause)) => {
                tracing::warn!(%cause, "glommio cannot run here; the shards run on plain pinned threads");
                (Decision::Thread, "thread", cause)
            }
        };
        self.seats.iter().for_each(|seat| {
            seat.decide.send(decision).ok();
        });
        let shard_cpus = self.seats.iter().map(|seat| seat.seated.recv().unwrap_or(None)).collect();
        Ok(RuntimeReport { name, reason, shard_cpus })
    }
}

impl Seat {
    /// Runs the shard on the calling thread until its mailbox is closed and drained.
    pub(super) fn take<S: ShardStep>(
        self,
        mailbox: &Arc<Mailbox<S::Message>>,
        presence: Arc<Presence>,
        make_core: impl FnOnce() -> S,
    ) {
        let plan = self.plan;
        let executor = if plan.try_glommio { Some(try_executor(plan.cpu)) } else { None };
        let (executor, tried) = match executor {
            Some(Ok(executor)) => (Some(executor), Ok(())),
            Some(Err(cause)) => (None, Err(cause)),
            None => (None, Ok(())),
        };
        if self.tried.send(tried).is_err() {
            return;
        }
        let Ok(decision) = self.decision.recv() else { return };
        // Dropped last, by a panic of the core or its factory too.
        let _attendance = Attendance::begin(plan.shard, presence.clone(), mailbox.clone());
        // An unused executor is dropped now, with its rings and its helper thread.
        let executor = executor.filter(|_| decision == Decision::Glommio);
        match (decision, executor) {
            #[cfg(feature = "glommio")]
            (Decision::Glommio, Some((executor, cpu))) => {
                self.seated.send(cpu).ok();
                let shard = ShardLoop::new(make_core(), mailbox.clone(), presence);
                let served = super::glommio::serve(&executor, shard, plan.spin);
                drop(executor);
                if let Err(panic) = served {
                    std::panic::resume_unwind(panic);
                }
            }
            _ => {
                self.seated.send(plan.cpu.filter(|&cpu| pin(cpu))).ok();
                let mut shard = ShardLoop::new(make_core(), mailbox.clone(), presence);
                thread::serve(&mut shard, plan.spin);
            }
        }
    }
}

fn pin(cpu: usize) -> bool {
    let pinned = sys::pin_current_thread(cpu);
    if let Err(error) = &pinned {
        tracing::warn!(cpu, %error, "the shard cannot be pinned and runs unpinned");
    }
    pinned.is_ok()
}

#[cfg(feature = "glommio")]
fn try_executor(cpu: Option<usize>) -> Result<Executor, String> {
    std::panic::catch_unwind(|| super::glommio::make_executor(cpu))
        .unwrap_or_else(|_| Err("glommio panicked while it made an executor".to_owned()))
}

#[cfg(not(feature = "glommio"))]
fn try_executor(_cpu: Option<usize>) -> Result<Executor, String> {
    Err("built without the feature `glommio`".to_owned())
}
