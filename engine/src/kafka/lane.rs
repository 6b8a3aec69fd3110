//! A lane: one thread, one member of the group, one transactional producer. It makes its clients and takes turns; after a
//! failure it does all of that again, from what the broker has committed.
//!
//! Map: `turn` one turn; `rebalance` partitions taken over and given back; `link` the way to the shards and back;
//! `partition` what the lane knows of a partition it owns; `progress` what a commit says beside the offset; `topic_id` which
//! topic that offset counts records of; `snapshots` which states are written when, `snapshot_topic` to the compacted topic,
//! `state_files` to files on this machine; `restore` from an assignment to live; `transaction` what is written and how that
//! ends; `dead_letter` records that cannot be read; `guard` checks on the way; `lag` how far the lane is behind.

pub(super) mod dead_letter;
mod guard;
mod lag;
mod link;
pub(super) mod partition;
pub(super) mod progress;
mod rebalance;
mod restore;
mod snapshot_topic;
mod snapshots;
mod state_files;
mod topic_id;
mod transaction;
mod turn;

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use rdkafka::{consumer::Consumer, error::KafkaError, producer::Producer};

pub use state_files::kept_states;
use turn::Turns;

use crate::{
    events::Happening,
    handle::EngineHandle,
    kafka::{
        client::{self, LaneProducer},
        group::claim::{Claim, ClaimError, Namesake},
        lane::{
            link::{ShardLink, ShardsGone},
            state_files::StateFiles,
            topic_id::TopicId,
            transaction::{Broken, Transaction},
        },
        refusal::{self, Refusal},
        settings::{Delivery, KafkaSettings},
        topics::{self, TopicsError},
    },
    lanes::{LaneMetrics, LaneReport, Verdict},
    message::Epoch,
    stop::StopToken,
    symbol::Partition,
};

/// The pause after the first failed attempt. It doubles with each further one.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long one try may take to end the transaction of an older process of the same name.
const INIT_SLICE: Duration = Duration::from_secs(2);

/// How a lane ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneEnd {
    /// It was told to stop, and has committed what it had read.
    Stopped,
    /// Another process of the same `kafka.instance` took its place.
    Fenced,
    /// The shards are gone.
    Broken,
    /// A broker refuses a setting for good.
    Refused,
}

/// By partition, the ownership under which its states lie in a shard, and the number of that shard.
type LeftStates = BTreeMap<u32, (Epoch, usize)>;

/// The reason for which an attempt ended.
#[derive(Debug, thiserror::Error)]
enum LaneError {
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error(transparent)]
    Topics(#[from] TopicsError),
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error(transparent)]
    Shards(#[from] ShardsGone),
    #[error("the group gave the partitions to somebody else")]
    Lost,
    #[error("another process has the same kafka.instance")]
    Namesake(Namesake),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl LaneError {
    /// Whether the lane will fail again until somebody does something about it.
    fn needs_help(&self) -> bool {
        matches!(self, Self::Topics(error) if !error.is_passing())
    }
}

/// The parts of a lane that outlive an attempt.
struct Lane<'a> {
    settings: Arc<KafkaSettings>,
    number: usize,
    metrics: Arc<LaneMetrics>,
    report: &'a LaneReport,
    stop: &'a StopToken,
    link: ShardLink,
    files: StateFiles,
    /// States that an earlier attempt left in the shards. They answer until their partition is taken over or given away.
    left: LeftStates,
    /// The topic that the commits so far were about; `None` where nothing was committed, or where brokers have no ids.
    topic_id: Option<TopicId>,
    /// Whether the log has said that the brokers give topics no ids.
    has_told_no_ids: bool,
    /// This lane's part of [`LaneMetrics::lag_records`].
    lag: i64,
    /// When the lag was last determined.
    lag_at: Instant,
    /// By partition that this lane has or had, up to where it knows the group to have committed.
    committed: BTreeMap<u32, u64>,
    /// This lane's claim to its name in the group.
    claim: Claim,
}

/// Runs a lane on the calling thread until it is told to stop or must not go on. `number` tells the lanes of a
/// process apart.
pub fn run_lane(
    settings: Arc<KafkaSettings>,
    number: usize,
    engine: &EngineHandle,
    stop: &StopToken,
    report: &LaneReport,
) -> LaneEnd {
    let metrics = engine.metrics.lanes.clone();
    let link = ShardLink::new(engine.clone(), settings.venue.clone(), settings.emit);
    let files = StateFiles::new(&settings, metrics.clone());
    let claim = Claim::new(&settings, number);
    let mut lane = Lane {
        settings,
        number,
        metrics,
        report,
        stop,
        link,
        files,
        left: LeftStates::new(),
        topic_id: None,
        has_told_no_ids: false,
        lag: 0,
        lag_at: Instant::now(),
        committed: BTreeMap::new(),
        claim,
    };
    let mut pause = PAUSE_MIN;
    loop {
        let started = Instant::now();
        let error = match lane.attempt() {
            Ok(()) => return LaneEnd::Stopped,
            Err(LaneError::Namesake(Namesake { url })) => {
                tracing::error!(url, "another process has the same kafka.instance: this one ends");
                report.condemn(Verdict::Fenced);
                return LaneEnd::Fenced;
            }
            Err(LaneError::Refused(refusal)) => {
                tracing::error!(%refusal, "a setting cannot work: the process ends");
                report.condemn(Verdict::Refused(refusal.to_string()));
                return LaneEnd::Refused;
            }
            Err(error) => error,
        };
        if stop.is_stopped() {
            return LaneEnd::Stopped;
        }
        if matches!(error, LaneError::Shards(_)) && lane.link.has_ended() {
            tracing::error!(lane = number, "a shard has ended, and the lane with it: restart the process");
            report.hold_up(number, format!("lane {number} has ended, because a shard has"));
            return LaneEnd::Broken;
        }
        lane.metrics.restarts.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(lane = number, %error, "the lane begins anew");
        lane.note(Happening::LaneRestarted { lane: number, reason: error.to_string() });
        report.fail(number, error.to_string(), error.needs_help());
        lane.link.forget();
        lane.look_for_lag(|_| false);
        pause = if started.elapsed() > PAUSE_MAX { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
        wait(stop, pause);
    }
}

/// Sleeps, unless it is time to stop.
pub(super) fn wait(stop: &StopToken, pause: Duration) {
    let until = Instant::now() + pause;
    while Instant::now() < until && !stop.is_stopped() {
        std::thread::sleep(Duration::from_millis(20).min(pause));
    }
}

impl Lane<'_> {
    /// Claims the name, fences older namesakes, joins the group and takes turns. `Ok`: told to stop, and all is committed.
    fn attempt(&mut self) -> Result<(), LaneError> {
        let prepared = topics::prepare(&self.settings);
        // The clients' own word comes later, and the ones before may be gone: a broker that answered is told of at once.
        self.metrics.note_connected(prepared.as_ref().map_or_else(TopicsError::is_answer, |_| true));
        let counts = prepared?;
        if let Some(namesake) = self.claim.uphold(&self.settings)? {
            return Err(LaneError::Namesake(namesake));
        }
        // Before the group: a transaction that a crash left open ends now, not at its timeout.
        let Some(producer) = self.fencing_producer()? else { return Ok(()) };
        let consumer = client::consumer(&self.settings, self.number, &self.metrics)?;
        consumer.subscribe(&[&self.settings.topic_raw])?;
        let transaction =
            Transaction::new(producer, self.settings.clone(), self.metrics.clone(), counts.dlq_partitions);
        let mut turns = Turns::new(self, &consumer, transaction);
        let result = turns.run();
        let (owned, unserved) = turns.end();
        self.left.extend(owned);
        client::settle(&consumer, unserved);
        result
    }

    /// A producer whose older namesakes can no longer write; `None` when told to stop.
    fn fencing_producer(&mut self) -> Result<Option<LaneProducer>, LaneError> {
        let producer = client::producer(&self.settings, self.number, &self.metrics)?;
        if self.settings.delivery == Delivery::AtLeastOnce {
            return Ok(Some(producer));
        }
        let began = Instant::now();
        loop {
            if self.stop.is_stopped() {
                return Ok(None);
            }
            match producer.init_transactions(INIT_SLICE) {
                Ok(()) => return Ok(Some(producer)),
                Err(KafkaError::Transaction(error)) if error.is_retriable() => {
                    producer.poll(Duration::ZERO);
                    if began.elapsed() > guard::PATIENCE {
                        let lane = self.number;
                        self.report.hold_up(
                            lane,
                            format!("lane {lane} is held up, no transaction can begin: {error}"),
                        );
                        self.look_for_lag_while_held_up(|_| false);
                    }
                }
                Err(error) => {
                    let refusal = refusal::by_broker(&self.settings, &error);
                    return Err(refusal.map_or_else(|| error.into(), LaneError::from));
                }
            }
        }
    }

    /// Notes what happened, for people.
    fn note(&self, happening: Happening) {
        self.link.engine().events.note(None, None, happening);
    }

    /// Drops the state of partitions that an earlier attempt had and that are not ours any more.
    fn close_left(&mut self, still_ours: impl Fn(u32) -> bool) -> Result<(), ShardsGone> {
        for (partition, (epoch, shard)) in std::mem::take(&mut self.left) {
            if !still_ours(partition) {
                self.link.close(shard, Partition(partition), epoch)?;
            }
        }
        Ok(())
    }
}
