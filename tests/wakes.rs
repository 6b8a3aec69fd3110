//! Soak: no shard sleeps while mail lies there, on either runtime, with the CPUs hogged by others.
//!
//! Senders on threads of their own each send one message, wait for its reply, pause at random so that the shard
//! parks, and go on. Time asleep = from the push to the handling, less what the scheduler kept the shard's thread
//! waiting for a CPU and what it ran meanwhile.
//!
//! Each runtime is soaked twice. First so that a wake-up that is lost stays lost, and its sender says so after two
//! seconds: without the watchdog, which would re-wake the shard long before the limit, and with one sender a shard,
//! because another's next message would wake it as well. Then for a tenth of the wakes as it is served, watched and
//! with a sender a queue, to print what the watchdog counted. `STORMGLASS_WAKES` is the number of wakes of both runtimes in
//! the first form.

#![allow(clippy::unwrap_used)]

use std::{
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

#[path = "support/not_run.rs"]
mod not_run;

use not_run::not_run;
use stormglass_engine::{
    cpu::{CpuRequest, plan},
    mailbox::{Mailbox, Queue, Watched},
    metrics::ShardMetrics,
    runtime::{Guards, Liveness, RuntimeChoice, ShardStep, spawn_shards_guarded},
    sys::{self, SchedStat},
};

const SHARDS: usize = 4;
const HOGS_PER_CPU: usize = 2;
const PAUSE_MAX_US: u64 = 300;
const ASLEEP_MAX: Duration = Duration::from_millis(20);
const STALL: Duration = Duration::from_secs(2);

/// One message: answered with when it was handled and the shard's account then.
struct Ping {
    reply: mpsc::Sender<(Instant, SchedStat)>,
}

struct Echo {
    thread_id: u32,
}

impl ShardStep for Echo {
    type Message = Ping;

    fn step(&mut self, now: Instant, messages: &mut Vec<Ping>) {
        let account = sys::sched_stat(self.thread_id).unwrap_or_default();
        for ping in messages.drain(..) {
            ping.reply.send((now, account)).ok();
        }
    }
}

/// Child processes that burn CPU at normal priority until dropped.
struct Hogs(Vec<std::process::Child>);

impl Hogs {
    fn start() -> Self {
        let cpus = sys::allowed_cpus().unwrap().len();
        // The timeout only matters if this test is killed before it can end them.
        let hog =
            |_| Command::new("timeout").args(["600", "sh", "-c", "while :; do :; done"]).spawn().unwrap();
        Self((0..HOGS_PER_CPU * cpus).map(hog).collect())
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        for hog in &mut self.0 {
            // `timeout` passes a TERM on to what it runs; a KILL would leave the loop behind.
            drop(Command::new("kill").arg(hog.id().to_string()).status());
            drop(hog.wait());
        }
    }
}

#[derive(Default)]
struct Findings {
    asleep_max_nanos: AtomicU64,
    stalls: AtomicU64,
}

struct Sender {
    /// Each message takes one of them.
    queues: &'static [Queue],
    mailbox: Arc<Mailbox<Ping>>,
    shard: usize,
    liveness: Liveness,
    findings: Arc<Findings>,
    enough: Arc<AtomicBool>,
}

impl Sender {
    fn run(self, seed: u64) {
        let thread_id = self.liveness.thread_ids()[self.shard].expect("the shard runs");
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        while !self.enough.load(Ordering::Relaxed) {
            let (reply, answer) = mpsc::channel();
            self.mailbox
                .push(self.queues[(random >> 32) as usize % self.queues.len()], Ping { reply })
                .ok()
                .expect("a shard with eight senders is never full");
            // After the push: this thread's own wait for a CPU inside of it is no sleep of the shard's. The account
            // first, so that a wait between the two lines is taken off and not added.
            let before = sys::sched_stat(thread_id).unwrap_or_default();
            let sent = Instant::now();
            let (handled, after) = match answer.recv_timeout(STALL) {
                Ok(handled) => handled,
                Err(_) => {
                    self.findings.stalls.fetch_add(1, Ordering::Relaxed);
                    Queue::ALL.into_iter().for_each(|queue| self.mailbox.rewake(queue));
                    answer.recv().expect("a re-woken shard answers")
                }
            };
            let busy = (after.run_delay.saturating_sub(before.run_delay))
                + (after.on_cpu.saturating_sub(before.on_cpu));
            let asleep = handled.saturating_duration_since(sent).saturating_sub(busy);
            self.findings.asleep_max_nanos.fetch_max(asleep.as_nanos() as u64, Ordering::Relaxed);
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // The pacing: the shard parks meanwhile.
            thread::sleep(Duration::from_micros(random % PAUSE_MAX_US));
        }
    }
}

/// How the shards are watched, and the queues of each sender that a shard has.
struct Form {
    guards: Guards,
    senders: &'static [&'static [Queue]],
}

/// In which nothing but its own wake-up wakes a shard.
const BARE: Form = Form { guards: Guards { watchdog: None }, senders: &[&Queue::ALL] };

/// One sender a queue: of two in one queue, the one that lost its CPU between taking the flag down and waking would let
/// the other's message wait for it, and no wake-up would be lost.
const SENDER_A_LANE: &[&[Queue]] = &[&[Queue::Control], &[Queue::Ticks]];

fn soak(choice: RuntimeChoice) {
    let total = std::env::var("STORMGLASS_WAKES").map_or(100_000, |value| value.parse().expect("a number"));
    let wakes_wanted: u64 = total / 2;
    soak_in(&BARE, choice, wakes_wanted);
    let served = Form { guards: Guards::default(), senders: SENDER_A_LANE };
    soak_in(&served, choice, wakes_wanted / 10);
}

/// Runs until the shards were woken so often from a real sleep.
fn soak_in(form: &Form, choice: RuntimeChoice, wakes_wanted: u64) {
    let request = CpuRequest { shards: Some(SHARDS), ..CpuRequest::default() };
    let mut cpu_plan = plan(&sys::allowed_cpus().unwrap(), None, &request);
    // Pinned, two shards a CPU: a pinned thread cannot flee from the hogs.
    let cpus = sys::allowed_cpus().unwrap();
    cpu_plan.shard_cpus = (0..SHARDS).map(|shard| Some(cpus[shard % cpus.len()])).collect();
    let mailboxes: Vec<_> = (0..SHARDS).map(|_| Arc::new(Mailbox::new(64, 64))).collect();
    let metrics: Vec<Arc<ShardMetrics>> = (0..SHARDS).map(|_| Arc::default()).collect();
    let echo = |_| Echo { thread_id: sys::current_thread_id() };
    let shards = spawn_shards_guarded(&cpu_plan, choice, &mailboxes, &metrics, echo, form.guards).unwrap();
    let (findings, enough) = (Arc::new(Findings::default()), Arc::new(AtomicBool::new(false)));
    let started = Instant::now();
    let hogs = Hogs::start();
    let senders: Vec<_> = (0..SHARDS * form.senders.len())
        .map(|i| {
            let sender = Sender {
                queues: form.senders[i / SHARDS],
                mailbox: mailboxes[i % SHARDS].clone(),
                shard: i % SHARDS,
                liveness: shards.liveness(),
                findings: findings.clone(),
                enough: enough.clone(),
            };
            thread::spawn(move || sender.run(i as u64 + 1))
        })
        .collect();
    let count = |of: fn(&Mailbox<Ping>, Queue) -> u64| -> u64 {
        mailboxes.iter().flat_map(|mailbox| Queue::ALL.map(|queue| of(mailbox, queue))).sum()
    };
    while count(Mailbox::wakes).min(count(Mailbox::parks)) < wakes_wanted && shards.alive() {
        thread::sleep(Duration::from_millis(20));
    }
    enough.store(true, Ordering::Relaxed);
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    drop(hogs);
    let asleep_max = Duration::from_nanos(findings.asleep_max_nanos.load(Ordering::Relaxed));
    let stalls = findings.stalls.load(Ordering::Relaxed);
    let rewakes: u64 = metrics.iter().map(|shard| shard.rewakes.get()).sum();
    println!(
        "{} ({SHARDS} shards, {HOGS_PER_CPU} hogs a CPU, guards {}): {} messages, {} wakes, {} parks, \
         asleep with mail at most {:.2} ms, {stalls} stalls of 2 s, {rewakes} rewakes, {:.1} s",
        shards.report().name,
        if form.guards == BARE.guards { "off" } else { "on" },
        count(Mailbox::pops),
        count(Mailbox::wakes),
        count(Mailbox::parks),
        asleep_max.as_secs_f64() * 1e3,
        started.elapsed().as_secs_f64()
    );
    assert!(shards.alive(), "a shard died");
    shards.stop_and_join().unwrap();
    assert_eq!(stalls, 0, "a shard slept through its mail");
    assert!(asleep_max < ASLEEP_MAX, "asleep with mail for {asleep_max:?}");
}

/// The two soaks share the machine; one at a time, or they would be each other's hogs.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn a_thread_shard_never_sleeps_through_mail() {
    let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    soak(RuntimeChoice::Thread);
}

#[cfg(feature = "glommio")]
#[test]
fn a_glommio_shard_never_sleeps_through_mail() {
    let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Err(cause) = sys::probe_uring() {
        not_run(&format!("no glommio: {cause}; tests/refusal.rs covers what happens then"));
        return;
    }
    soak(RuntimeChoice::Glommio);
}
