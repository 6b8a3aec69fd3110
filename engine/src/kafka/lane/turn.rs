//! One turn of a lane: carry out rebalances, read records, send predictions, commit when due.

use std::{
    collections::VecDeque,
    sync::atomic::Ordering,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rdkafka::{Message, Offset as LogOffset, TopicPartitionList, consumer::Consumer, error::KafkaError};

use super::{Lane, LaneError, LeftStates, guard};
use crate::{
    events::Happening,
    kafka::{
        client::{LaneConsumer, Rebalance},
        group::{models::PartitionModels, owners::Announcements},
        lane::{
            partition::{OwnedPartition, OwnedPartitions},
            progress::Progress,
            snapshots::SnapshotSchedule,
            topic_id::{Sources, TopicId},
            transaction::{Sent, Transaction},
        },
        settings::Delivery,
    },
    message::ShardReply,
};

/// Most records read in one turn.
const RECORDS_PER_TURN_MAX: usize = 1_024;
/// A transaction with this many records is committed at once.
const RECORDS_PER_TRANSACTION_MAX: usize = 50_000;
/// Longest wait of an idle lane for a record before it checks whether to stop.
const IDLE_WAIT: Duration = Duration::from_millis(100);
/// Longest wait of a busy lane for a reply.
const REPLY_WAIT: Duration = Duration::from_millis(1);

/// The state of one attempt, which takes turns until `stop` or an error.
pub(super) struct Turns<'a, 'b> {
    pub(super) lane: &'a mut Lane<'b>,
    pub(super) consumer: &'a LaneConsumer,
    pub(super) transaction: Transaction,
    pub(super) owned: OwnedPartitions,
    pub(super) announcements: Announcements,
    pub(super) models: PartitionModels,
    /// Decisions of the group that the lane has not carried out yet, in order.
    pub(super) rebalances: VecDeque<Rebalance>,
    /// Time at which the current restore began; `None` once all partitions are live.
    pub(super) restoring_since: Option<Instant>,
    /// Whether an error that somebody must mend keeps the lane from reading.
    pub(super) is_held_up: bool,
    pub(super) snapshots: SnapshotSchedule,
    /// The topic of the owned partitions; `None` if brokers have no topic ids.
    pub(super) topic_id: Option<TopicId>,
    /// The brokers of the records polled since the last check of the topic's id.
    pub(super) sources: Sources,
    /// Time of the last check of the topic's id.
    pub(super) topic_looked_at: Instant,
    /// Number of partitions that are paused because too many records were unreadable.
    paused: i64,
    /// Number of partitions that wait for a schema, as the metrics show it.
    pub(super) waiting: i64,
    /// When a partition's wait for a schema was last reported.
    pub(super) waiting_told_at: Option<Instant>,
}

impl<'a, 'b> Turns<'a, 'b> {
    pub(super) fn new(lane: &'a mut Lane<'b>, consumer: &'a LaneConsumer, transaction: Transaction) -> Self {
        Self {
            lane,
            consumer,
            transaction,
            owned: OwnedPartitions::new(),
            announcements: Announcements::default(),
            models: PartitionModels::default(),
            rebalances: VecDeque::new(),
            restoring_since: None,
            is_held_up: false,
            snapshots: SnapshotSchedule::default(),
            topic_id: None,
            sources: Sources::default(),
            topic_looked_at: Instant::now(),
            paused: 0,
            waiting: 0,
            waiting_told_at: None,
        }
    }

    /// Takes turns until `stop`, then commits and writes the states.
    pub(super) fn run(&mut self) -> Result<(), LaneError> {
        while !self.lane.stop.is_stopped() {
            self.turn()?;
        }
        // Without a broker there is nothing to wait for: the next start continues from the last commit.
        if self.lane.metrics.is_connected() {
            self.hand_over(&self.owned.keys().copied().collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// Ends the attempt. Returns the states that are still in the shards, and the rebalances that the group waits for.
    pub(super) fn end(mut self) -> (LeftStates, VecDeque<Rebalance>) {
        self.note_committed();
        let metrics = &self.lane.metrics;
        metrics.partitions.fetch_sub(self.owned.len() as i64, Ordering::Relaxed);
        metrics.partitions_paused.fetch_sub(self.paused, Ordering::Relaxed);
        metrics.partitions_waiting.fetch_sub(self.waiting, Ordering::Relaxed);
        let left = self.owned.into_iter().map(|(partition, owned)| (partition, (owned.epoch, owned.shard)));
        (left.collect(), self.rebalances)
    }

    /// One turn.
    fn turn(&mut self) -> Result<(), LaneError> {
        self.rebalances.extend(self.consumer.context().take_rebalances());
        self.serve_rebalance()?;
        self.look_at_waiting()?;
        self.poll()?;
        self.lane.link.flush()?;
        self.collect()?;
        self.transaction.serve();
        if self.announcements.is_commit_due(&self.owned) {
            self.transaction.touch();
        }
        if self.is_commit_due() {
            self.commit()?;
        }
        self.look_at_idle_topic()?;
        self.tell_live();
        self.tell_lag();
        Ok(())
    }

    /// Reads records while the shards have credits.
    fn poll(&mut self) -> Result<(), LaneError> {
        if self.lane.link.is_full() {
            return Ok(());
        }
        let mut wait = match self.transaction.dirty_since() {
            _ if self.lane.link.is_busy() => Duration::ZERO,
            Some(since) => self.lane.settings.commit_interval().saturating_sub(since.elapsed()),
            None => IDLE_WAIT,
        };
        for _ in 0..RECORDS_PER_TURN_MAX {
            let message = match self.consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => message,
                Some(Err(error)) => {
                    self.is_held_up |= guard::on_error(self.lane, self.consumer, error)?;
                    break;
                }
            };
            wait = Duration::ZERO;
            self.is_held_up = false;
            let (partition, offset) = (message.partition() as u32, message.offset().max(0) as u64);
            let Some(owned) = self.owned.get(&partition) else { continue };
            if offset < owned.next || owned.is_paused {
                continue;
            }
            self.sources.note(&message);
            let payload = message.payload().unwrap_or_default();
            if self.waits(partition, offset, message.key(), payload)? {
                continue;
            }
            self.take_record(partition, offset, message.key(), payload)?;
            if self.lane.link.is_full() {
                break;
            }
        }
        Ok(())
    }

    /// Decodes a record of an owned partition. Its ticks go to the shards, and what cannot be read to the dead letters.
    pub(super) fn take_record(
        &mut self,
        partition: u32,
        offset: u64,
        key: Option<&[u8]>,
        payload: &[u8],
    ) -> Result<(), LaneError> {
        let lane = &mut *self.lane;
        let Some(owned) = self.owned.get_mut(&partition) else { return Ok(()) };
        let is_replayed = offset < owned.committed;
        let counter = if is_replayed { &lane.metrics.records_replayed } else { &lane.metrics.records };
        counter.fetch_add(1, Ordering::Relaxed);
        let letter = lane.link.record(owned, offset, key, payload);
        owned.next = offset + 1;
        if is_replayed {
            return Ok(());
        }
        self.transaction.touch();
        let is_poisoned = owned.count_record(letter.is_some());
        if let Some(letter) = letter {
            lane.metrics.dead_letters.fetch_add(1, Ordering::Relaxed);
            self.transaction.send(Sent::DeadLetter(letter))?;
        }
        if is_poisoned {
            owned.is_paused = true;
            self.paused += 1;
            lane.metrics.partitions_paused.fetch_add(1, Ordering::Relaxed);
            tracing::error!(partition, offset, "too many records cannot be read: the partition is paused");
            lane.note(Happening::PartitionPaused { partition, offset });
            self.consumer.pause(&lane.of_ticks(partition))?;
        }
        Ok(())
    }

    /// Takes the replies that have come; waits up to [`REPLY_WAIT`] for the first one while batches are outstanding.
    fn collect(&mut self) -> Result<(), LaneError> {
        let mut wait = if self.lane.link.has_outstanding() { REPLY_WAIT } else { Duration::ZERO };
        while let Some(reply) = self.lane.link.reply(wait) {
            self.take(reply)?;
            wait = Duration::ZERO;
        }
        Ok(())
    }

    /// Sends the predictions of a reply in the open transaction.
    fn take(&mut self, reply: ShardReply) -> Result<(), LaneError> {
        if let ShardReply::Predictions(predictions) = reply {
            // Another lane of this process owns a partition that this one still reads.
            if predictions.foreign > 0 {
                return Err(LaneError::Lost);
            }
            // Without a transaction, a sent record cannot be taken back.
            if self.lane.settings.delivery == Delivery::AtLeastOnce {
                let (settings, known) = (&self.lane.settings, self.topic_id);
                guard::check_topic(self.consumer, settings, known, &mut self.sources)?;
            }
            for record in self.models.due(&predictions) {
                self.transaction.send(Sent::Model(record))?;
            }
            if !predictions.entries.is_empty() {
                self.transaction.send(Sent::Predictions(predictions))?;
            }
        }
        Ok(())
    }

    fn is_commit_due(&self) -> bool {
        self.transaction.records() >= RECORDS_PER_TRANSACTION_MAX
            || self
                .transaction
                .dirty_since()
                .is_some_and(|since| since.elapsed() >= self.lane.settings.commit_interval())
    }

    /// Waits for the replies to all batches.
    pub(super) fn drain(&mut self) -> Result<(), LaneError> {
        while self.lane.link.is_busy() {
            self.lane.link.flush()?;
            let reply = self.lane.link.awaited()?;
            self.take(reply)?;
        }
        Ok(())
    }

    /// Commits what was read and predicted, then takes the snapshots that are due, of the state at this commit.
    pub(super) fn commit(&mut self) -> Result<(), LaneError> {
        self.drain()?;
        if self.transaction.dirty_since().is_none() {
            return Ok(());
        }
        self.commit_now()?;
        let due = self.snapshots_due();
        self.snapshot(&due)
    }

    /// Commits without waiting for replies or taking snapshots.
    pub(super) fn commit_now(&mut self) -> Result<(), LaneError> {
        let (settings, number) = (&self.lane.settings, self.lane.number);
        for record in self.announcements.due(settings, number, &self.owned) {
            self.transaction.send(Sent::Owner(record))?;
        }
        let offsets = self.offsets()?;
        let (predictions, newest_ns) = self.transaction.predictions();
        let (consumer, settings, known) = (self.consumer, &self.lane.settings, self.topic_id);
        let check = || guard::check_topic(consumer, settings, known, &mut self.sources);
        self.transaction.commit(consumer, &offsets, check)?;
        let is_further = self.owned.values().any(|owned| owned.is_live() && owned.next > owned.committed);
        // A lane that is held up may still commit what it read before.
        let waits = self.owned.values().any(|owned| !owned.waiting.is_empty());
        if !self.is_held_up && !waits && (is_further || self.lane.has_caught_up()) {
            self.lane.report.work(self.lane.number);
        }
        (self.lane.topic_id, self.topic_looked_at) = (self.topic_id, Instant::now());
        for owned in self.owned.values_mut().filter(|owned| owned.is_live()) {
            owned.committed = owned.next;
        }
        let metrics = &self.lane.metrics;
        // A lane that is stopped before the clients' first report hands over all the same.
        metrics.note_connected(true);
        metrics.predictions.fetch_add(predictions, Ordering::Relaxed);
        if let Some(newest_ns) = newest_ns {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let behind = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX).saturating_sub(newest_ns);
            metrics.freshness_nanos.store(behind, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The offset to commit for each live partition, with its [`Progress`] as metadata.
    fn offsets(&self) -> Result<TopicPartitionList, KafkaError> {
        let mut offsets = TopicPartitionList::new();
        for owned in self.owned.values().filter(|owned| owned.is_live()) {
            let partition = owned.partition.0 as i32;
            let mut element = offsets.add_partition(&self.lane.settings.topic_raw, partition);
            element.set_offset(LogOffset::Offset(owned.next as i64))?;
            let progress = Progress { topic_id: self.topic_id, ..owned.progress() };
            element.set_metadata(progress.to_string());
        }
        Ok(offsets)
    }

    /// Logs once that all assigned partitions are live.
    fn tell_live(&mut self) {
        let Some(since) = self.restoring_since else { return };
        if self.rebalances.is_empty()
            && !self.owned.is_empty()
            && self.owned.values().all(OwnedPartition::is_live)
        {
            self.restoring_since = None;
            let elapsed = since.elapsed();
            self.lane.metrics.restore_nanos.store(elapsed.as_nanos() as u64, Ordering::Relaxed);
            tracing::info!(
                partitions = self.owned.len(),
                restore_ms = elapsed.as_millis() as u64,
                "all assigned partitions are live"
            );
        }
    }
}
