//! A lane: one thread, one member of the group, one transactional producer. It makes its clients and takes turns; after
//! a failure it makes new clients and starts again from what the broker has committed.
//!
//! Map: `turn` one turn; `rebalance` takes partitions over and gives them back; `link` sends batches to the shards and
//! receives their replies; `waiting` holds records whose schema is not known yet; `partition` the lane's view of an owned partition; `progress` the text committed with an
//! offset; `topic_id` the topic that the offset belongs to; `snapshots` schedules snapshots, `snapshot_topic` writes
//! them to the compacted topic, `state_files` to files on this machine; `restore` brings an assigned partition to live;
//! `transaction` writes and commits; `dead_letter` records that cannot be read; `guard` checks of the topic and of
//! errors; `lag` uncommitted records.

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
mod waiting;

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use rdkafka::{TopicPartitionList, consumer::Consumer, error::KafkaError, producer::Producer};

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
    message::{Epoch, PartitionWork},
    stop::StopToken,
    symbol::Partition,
};

/// The pause after the first failed attempt. It doubles with each further one.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Longest time of one attempt to end the transaction of an older process of the same name.
const INIT_SLICE: Duration = Duration::from_secs(2);

/// The reason why a lane ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneEnd {
    /// It was stopped, and has committed what it had read.
    Stopped,
    /// Another process of the same `kafka.instance` took its place.
    Fenced,
    /// The shards do not answer.
    Broken,
    /// A broker refuses a setting permanently.
    Refused,
}

/// For each partition, the ownership epoch of the states that a shard still holds, and the number of that shard.
type LeftStates = BTreeMap<u32, (Epoch, usize)>;

/// The reason why an attempt ended.
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
    #[error("more records wait for a schema than are kept")]
    TooManyWait,
    #[error("another process has the same kafka.instance")]
    Namesake(Namesake),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl LaneError {
    /// Whether the lane will fail again until somebody mends the cause.
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
    /// States that an earlier attempt left in the shards. They answer requests until their partition is taken over or
    /// given away.
    left: LeftStates,
    /// The topic of the commits so far; `None` before the first commit, or where brokers have no topic ids.
    topic_id: Option<TopicId>,
    /// Whether the warning that brokers have no topic ids was logged.
    has_told_no_ids: bool,
    /// This lane's share of [`LaneMetrics::lag_records`].
    lag: i64,
    /// When the lag was last determined.
    lag_at: Instant,
    /// For each partition that this lane owns or owned, the newest offset that it knows to be committed.
    committed: BTreeMap<u32, u64>,
    /// This lane's claim to its name in the group.
    claim: Claim,
}

/// Runs a lane on the calling thread until `stop`, or until it ends for good. `number` distinguishes the lanes of a
/// process.
pub fn run_lane(
    settings: Arc<KafkaSettings>,
    number: usize,
    engine: &EngineHandle,
    stop: &StopToken,
    report: &LaneReport,
) -> LaneEnd {
    let metrics = engine.metrics.lanes.clone();
    let link = ShardLink::new(engine.clone(), &settings.records, settings.emit);
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

/// Sleeps for `pause`, or until `stop`.
pub(super) fn wait(stop: &StopToken, pause: Duration) {
    let until = Instant::now() + pause;
    while Instant::now() < until && !stop.is_stopped() {
        std::thread::sleep(Duration::from_millis(20).min(pause));
    }
}

impl Lane<'_> {
    /// Claims the name, fences older processes of that name, joins the group and takes turns. `Ok` after `stop`, with
    /// everything committed.
    fn attempt(&mut self) -> Result<(), LaneError> {
        let prepared = topics::prepare(&self.settings);
        // The clients report their connection later, and the former ones may be gone, so a broker that answered is
        // noted at once.
        self.metrics.note_connected(prepared.as_ref().map_or_else(TopicsError::is_answer, |_| true));
        let counts = prepared?;
        if let Some(namesake) = self.claim.uphold(&self.settings)? {
            return Err(LaneError::Namesake(namesake));
        }
        // Before joining the group, so that a transaction that a crash left open ends now and not at its timeout.
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

    /// Makes a producer whose initialisation has fenced older ones of its name; `None` after `stop`.
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

    /// A partition of the ticks' topic, as the client names it.
    fn of_ticks(&self, partition: u32) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.settings.topic_raw, partition as i32);
        list
    }

    /// Notes an event.
    fn note(&self, happening: Happening) {
        self.link.engine().events.note(None, None, happening);
    }

    /// Drops the states of partitions that an earlier attempt owned and that this lane does not own any more.
    fn close_left(&mut self, still_ours: impl Fn(u32) -> bool) -> Result<(), ShardsGone> {
        for (partition, (epoch, shard)) in std::mem::take(&mut self.left) {
            if !still_ours(partition) {
                self.link.order(shard, Partition(partition), epoch, PartitionWork::Close)?;
            }
        }
        Ok(())
    }
}
