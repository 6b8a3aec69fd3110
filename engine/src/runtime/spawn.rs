//! Picks a runtime, starts the shards on it, and stops them.

use std::{
    sync::Arc,
    thread::{Builder, JoinHandle},
    time::Duration,
};

use super::{
    GUARD_PERIOD, RuntimeChoice, RuntimeError, RuntimeReport, ShardStep,
    presence::{Liveness, Presence, ShardState},
    seat::{SeatPlan, Usher},
    watchdog::{Ward, Watchdog},
};
use crate::{
    cpu::CpuPlan,
    mailbox::{Mailbox, Queue, Watched},
    metrics::ShardMetrics,
    sys,
};

/// The guard against lost wake-ups. Only a test switches it off, to show that the shards do not need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guards {
    /// Period of the watchdog; `None` for no watchdog.
    pub watchdog: Option<Duration>,
}

impl Default for Guards {
    fn default() -> Self {
        Self { watchdog: Some(GUARD_PERIOD) }
    }
}

/// Running shards. Dropping it closes their mailboxes and waits for them.
pub struct Shards {
    report: RuntimeReport,
    liveness: Liveness,
    mailboxes: Vec<Arc<dyn Watched>>,
    threads: Vec<JoinHandle<()>>,
    watchdog: Option<Watchdog>,
}

/// Some shards had panicked when all were stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("shards {panicked:?} panicked")]
pub struct StopError {
    /// Indexes of the shards that panicked.
    pub panicked: Vec<usize>,
}

/// Starts one shard for each mailbox. `factory` is called once on each shard's own thread with the shard's index, so
/// that the core need not be `Send`. Returns when every shard has its thread or executor.
///
/// # Errors
/// [`RuntimeError`]; no shard runs then.
///
/// # Panics
/// If the plan, the mailboxes and the metrics do not agree on the number of shards.
pub fn spawn_shards<S: ShardStep>(
    plan: &CpuPlan,
    choice: RuntimeChoice,
    mailboxes: &[Arc<Mailbox<S::Message>>],
    metrics: &[Arc<ShardMetrics>],
    factory: impl Fn(usize) -> S + Send + Sync + 'static,
) -> Result<Shards, RuntimeError> {
    spawn_shards_guarded(plan, choice, mailboxes, metrics, factory, Guards::default())
}

/// [`spawn_shards`] with other guards, for tests.
///
/// # Errors
/// As [`spawn_shards`].
///
/// # Panics
/// As [`spawn_shards`].
pub fn spawn_shards_guarded<S: ShardStep>(
    plan: &CpuPlan,
    choice: RuntimeChoice,
    mailboxes: &[Arc<Mailbox<S::Message>>],
    metrics: &[Arc<ShardMetrics>],
    factory: impl Fn(usize) -> S + Send + Sync + 'static,
    guards: Guards,
) -> Result<Shards, RuntimeError> {
    let counts = [plan.shard_cpus.len(), mailboxes.len(), metrics.len()];
    assert!(counts.iter().all(|&count| count == counts[0]), "planned, mailboxes, metrics: {counts:?}");
    sys::register_membarrier();
    let wish = wish(choice);
    if let (RuntimeChoice::Glommio, Err(cause)) = (choice, &wish) {
        return Err(RuntimeError::GlommioRefused(cause.clone()));
    }
    let factory = Arc::new(factory);
    let presences: Arc<[Arc<Presence>]> = mailboxes.iter().map(|_| Arc::default()).collect();
    // From here on dropping `shards` ends every started thread.
    let mut shards = Shards {
        report: RuntimeReport { name: "thread", reason: String::new(), shard_cpus: Vec::new() },
        liveness: Liveness { shards: presences.clone() },
        mailboxes: mailboxes.iter().map(|mailbox| mailbox.clone() as Arc<dyn Watched>).collect(),
        threads: Vec::new(),
        watchdog: None,
    };
    let mut usher = Usher::default();
    for (shard, mailbox) in mailboxes.iter().enumerate() {
        let seat = usher.seat(SeatPlan {
            shard,
            cpu: plan.shard_cpus[shard],
            spin: plan.spin,
            try_glommio: wish.is_ok(),
        });
        let (mailbox, presence, factory) = (mailbox.clone(), presences[shard].clone(), factory.clone());
        let body = move || seat.take(&mailbox, presence, || factory(shard));
        shards.threads.push(Builder::new().name(format!("shard-{shard}")).spawn(body)?);
    }
    shards.report = usher.settle(wish, choice)?;
    tracing::info!(runtime = shards.report.name, reason = %shards.report.reason, plan = %plan.sentence, "shards run");
    if let Some(period) = guards.watchdog {
        let ward = |shard: usize| Ward {
            presence: presences[shard].clone(),
            mailbox: shards.mailboxes[shard].clone(),
            metrics: metrics[shard].clone(),
        };
        shards.watchdog = Some(Watchdog::start((0..metrics.len()).map(ward).collect(), period)?);
    }
    Ok(shards)
}

/// Whether to try glommio; an error gives the reason not to.
fn wish(choice: RuntimeChoice) -> Result<(), String> {
    match choice {
        RuntimeChoice::Thread => Err("asked for".to_owned()),
        _ if !cfg!(feature = "glommio") => Err("built without the feature `glommio`".to_owned()),
        _ => sys::probe_uring().and_then(|()| sys::raise_memlock().map(drop)),
    }
}

impl Shards {
    /// The runtime with the reason for it, and the CPU of each shard.
    pub fn report(&self) -> &RuntimeReport {
        &self.report
    }

    /// The shards' health; it can outlive `self`.
    pub fn liveness(&self) -> Liveness {
        self.liveness.clone()
    }

    /// Whether every shard takes messages.
    pub fn alive(&self) -> bool {
        self.liveness.alive()
    }

    /// Closes the mailboxes, lets the shards drain them, and waits for the threads.
    ///
    /// # Errors
    /// [`StopError`] naming the shards that panicked, now or earlier.
    pub fn stop_and_join(mut self) -> Result<(), StopError> {
        self.close_and_wait();
        let states = self.liveness.states();
        let panicked: Vec<usize> =
            (0..states.len()).filter(|&shard| states[shard] == ShardState::Panicked).collect();
        if panicked.is_empty() { Ok(()) } else { Err(StopError { panicked }) }
    }

    fn close_and_wait(&mut self) {
        self.mailboxes.iter().for_each(|mailbox| mailbox.close());
        // The last wake-up may be lost like any other, and the watchdog sees no message then.
        while self.threads.iter().any(|thread| !thread.is_finished()) {
            std::thread::sleep(GUARD_PERIOD);
            for mailbox in &self.mailboxes {
                Queue::ALL.into_iter().for_each(|queue| mailbox.rewake(queue));
            }
        }
        // The shard's attendance has already reported a panic.
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
        self.watchdog = None;
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        self.close_and_wait();
    }
}
