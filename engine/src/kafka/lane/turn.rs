//! A turn: rebalances, records in, answers out, a commit when it is due.

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
        client::{LaneConsumer, Rebalance, give_back, take_over},
        models::{self, PartitionModels},
        owners::Announcements,
        partition::OwnedPartition,
        progress::Progress,
        restore::{self, OwnedPartitions, Restored, Restorer},
        settings::Delivery,
        snapshots::KeptSnapshot,
        topic_id::{Sources, TopicId},
        transaction::{Sent, Transaction},
    },
    limits::LANE_QUESTIONS_MAX,
    message::ShardReply,
};

/// Records read in one turn.
const RECORDS_PER_TURN_MAX: usize = 1_024;
/// Records of one transaction beyond which it is committed at once.
const RECORDS_PER_TRANSACTION_MAX: usize = 50_000;
/// How long an idle lane waits for a record before it looks whether to stop.
const IDLE_WAIT: Duration = Duration::from_millis(100);
/// How long a busy one waits for an answer.
const ANSWER_WAIT: Duration = Duration::from_millis(1);
/// Symbols whose state one commit writes.
const SNAPSHOTS_PER_COMMIT_MAX: usize = 16;
/// Symbols whose state is written when partitions are given back.
const SNAPSHOTS_AT_HANDOVER_MAX: usize = 512;

/// One attempt's turns.
pub(super) struct Turns<'a, 'b> {
    pub(super) lane: &'a mut Lane<'b>,
    pub(super) consumer: &'a LaneConsumer,
    pub(super) transaction: Transaction,
    pub(super) owned: OwnedPartitions,
    announcements: Announcements,
    models: PartitionModels,
    rebalances: VecDeque<Rebalance>,
    /// Since when partitions are being brought to life.
    pub(super) restoring_since: Option<Instant>,
    /// Whether something keeps the lane from reading that needs help.
    pub(super) is_held_up: bool,
    /// Snapshots that are due, in symbols.
    snapshots_due: f64,
    snapshots_at: Instant,
    /// Snapshots asked for so far.
    snapshots_asked: u64,
    /// The topic whose offsets the owned partitions count; `None` where brokers have no ids.
    pub(super) topic_id: Option<TopicId>,
    /// Where the records came from that were polled since the topic's id was looked at.
    pub(super) sources: Sources,
    /// When the topic's id was last looked at.
    pub(super) topic_looked_at: Instant,
    paused: i64,
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
            snapshots_due: 0.0,
            snapshots_at: Instant::now(),
            snapshots_asked: 0,
            topic_id: None,
            sources: Sources::default(),
            topic_looked_at: Instant::now(),
            paused: 0,
        }
    }

    /// Takes turns until told to stop.
    pub(super) fn run(&mut self) -> Result<(), LaneError> {
        while !self.lane.stop.is_stopped() {
            self.turn()?;
        }
        // Without a broker there is nothing to wait for: the next start takes it from the last commit.
        if self.lane.metrics.is_connected() {
            self.hand_over(&self.owned.keys().copied().collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// What the shards still have of it, and what the group still waits for.
    pub(super) fn end(mut self) -> (LeftStates, VecDeque<Rebalance>) {
        self.note_committed();
        let metrics = &self.lane.metrics;
        metrics.partitions.fetch_sub(self.owned.len() as i64, Ordering::Relaxed);
        metrics.partitions_paused.fetch_sub(self.paused, Ordering::Relaxed);
        let left = self.owned.into_iter().map(|(partition, owned)| (partition, (owned.epoch, owned.shard)));
        (left.collect(), self.rebalances)
    }

    fn turn(&mut self) -> Result<(), LaneError> {
        self.rebalances.extend(self.consumer.context().take_rebalances());
        self.serve_rebalance()?;
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

    fn serve_rebalance(&mut self) -> Result<(), LaneError> {
        let Some(rebalance) = self.rebalances.front() else { return Ok(()) };
        let done = match rebalance {
            Rebalance::Assigned(partitions) => {
                let partitions = partitions.clone();
                self.assigned(&partitions)?
            }
            Rebalance::Revoked { partitions, lost } => {
                let (partitions, lost) = (partitions.clone(), *lost);
                self.revoked(&partitions, lost)?;
                true
            }
        };
        if done {
            self.rebalances.pop_front();
            self.lane.metrics.rebalances.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Restores and takes partitions; false when the broker must be asked again.
    fn assigned(&mut self, partitions: &TopicPartitionList) -> Result<bool, LaneError> {
        // Answers to questions only, from here on. And no transaction stays open meanwhile: a restore can take longer
        // than one may.
        self.drain()?;
        if self.transaction.dirty_since().is_some() {
            self.commit_now()?;
        }
        self.restoring_since.get_or_insert_with(Instant::now);
        let lane = &mut *self.lane;
        let restorer = Restorer {
            settings: &lane.settings,
            metrics: &lane.metrics,
            files: &lane.files,
            consumer: self.consumer,
            known_topic: lane.topic_id,
        };
        let Some(restored) = restore::restore(&restorer, &mut lane.link, partitions)? else {
            self.say_that_offsets_are_not_known();
            return Ok(false);
        };
        let Restored { owned: restored, topic_id } = restored?;
        self.take_topic(topic_id)?;
        let lane = &mut *self.lane;
        let positions = restore::positions(&lane.settings, &restored)?;
        let mut numbers: Vec<u32> = restored.iter().map(|owned| owned.partition.0).collect();
        numbers.sort_unstable();
        lane.metrics.partitions.fetch_add(restored.len() as i64, Ordering::Relaxed);
        // Whatever fails from here on, their state is known to be in the shards.
        for owned in restored {
            lane.left.remove(&owned.partition.0);
            self.owned.insert(owned.partition.0, owned);
        }
        if !numbers.is_empty() {
            let told = models::read(&lane.settings)?;
            numbers.iter().for_each(|&number| self.models.taken(number, told.get(&number)));
        }
        take_over(self.consumer, &positions)?;
        self.is_held_up = false;
        self.announcements.taken();
        // How far they are behind is known from the look that restored them.
        self.tell_lag_now();
        let lane = &mut *self.lane;
        if numbers.is_empty() && self.owned.is_empty() {
            lane.report.work(lane.number);
        } else if !numbers.is_empty() {
            lane.note(Happening::PartitionsTaken { lane: lane.number, partitions: numbers });
        }
        let owned = &self.owned;
        lane.close_left(|partition| owned.contains_key(&partition))?;
        Ok(true)
    }

    /// Gives partitions back: committed, unless they are somebody else's already.
    fn revoked(&mut self, partitions: &TopicPartitionList, lost: bool) -> Result<(), LaneError> {
        let mut numbers: Vec<u32> = partitions.elements().iter().map(|e| e.partition() as u32).collect();
        numbers.sort_unstable();
        tracing::info!(?numbers, lost, "partitions are given back");
        let lane = self.lane.number;
        self.lane.note(Happening::PartitionsGivenBack { lane, partitions: numbers.clone(), lost });
        if lost {
            return Err(LaneError::Lost);
        }
        self.hand_over(&numbers)?;
        give_back(self.consumer, partitions)?;
        for number in numbers {
            self.announcements.given_back(number);
            if let Some(owned) = self.owned.remove(&number) {
                self.lane.metrics.partitions.fetch_sub(1, Ordering::Relaxed);
                self.lane.link.close(owned.shard, owned.partition, owned.epoch)?;
            }
        }
        Ok(())
    }

    /// Commits what was read, then the state of these partitions, so that their next owner has nothing to read again.
    fn hand_over(&mut self, partitions: &[u32]) -> Result<(), LaneError> {
        self.commit()?;
        let stale = |owned: &OwnedPartition| {
            let number = owned.partition.0;
            let symbols = owned.symbols().iter().enumerate();
            symbols
                .filter(|(_, s)| s.snapshot != Some(owned.next))
                .map(|(i, _)| (number, i))
                .collect::<Vec<_>>()
        };
        let due: Vec<(u32, usize)> = partitions
            .iter()
            .filter_map(|partition| self.owned.get(partition))
            .filter(|owned| owned.is_live())
            .flat_map(stale)
            .take(SNAPSHOTS_AT_HANDOVER_MAX)
            .collect();
        self.snapshot(&due)?;
        // The commit before may have sent states too, perhaps all that were due.
        if self.transaction.dirty_since().is_some() {
            self.commit_now()?;
        }
        Ok(())
    }

    /// Reads records as far as the shards' credits go.
    fn poll(&mut self) -> Result<(), LaneError> {
        let lane = &mut *self.lane;
        if lane.link.is_full() {
            return Ok(());
        }
        let mut wait = match self.transaction.dirty_since() {
            _ if lane.link.is_busy() => Duration::ZERO,
            Some(since) => lane.settings.commit_interval().saturating_sub(since.elapsed()),
            None => IDLE_WAIT,
        };
        for _ in 0..RECORDS_PER_TURN_MAX {
            let message = match self.consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => message,
                Some(Err(error)) => {
                    self.is_held_up |= guard::on_error(lane, self.consumer, error)?;
                    break;
                }
            };
            wait = Duration::ZERO;
            self.is_held_up = false;
            let (partition, offset) = (message.partition() as u32, message.offset().max(0) as u64);
            let Some(owned) = self.owned.get_mut(&partition) else { continue };
            if offset < owned.next || owned.is_paused {
                continue;
            }
            self.sources.note(&message);
            let is_replayed = offset < owned.committed;
            let counter = if is_replayed { &lane.metrics.records_replayed } else { &lane.metrics.records };
            counter.fetch_add(1, Ordering::Relaxed);
            let payload = message.payload().unwrap_or_default();
            let letter = lane.link.record(owned, offset, message.key(), payload);
            owned.next = offset + 1;
            if is_replayed {
                continue;
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
                tracing::error!(
                    partition,
                    offset,
                    "too many records cannot be read: the partition is paused"
                );
                lane.note(Happening::PartitionPaused { partition, offset });
                let mut paused = TopicPartitionList::new();
                paused.add_partition(&lane.settings.topic_raw, partition as i32);
                self.consumer.pause(&paused)?;
            }
            if lane.link.is_full() {
                break;
            }
        }
        Ok(())
    }

    /// Takes the answers there are; waits a little for the first while batches are under way.
    fn collect(&mut self) -> Result<(), LaneError> {
        let mut wait = if self.lane.link.has_outstanding() { ANSWER_WAIT } else { Duration::ZERO };
        while let Some(reply) = self.lane.link.reply(wait) {
            self.take(reply)?;
            wait = Duration::ZERO;
        }
        Ok(())
    }

    fn take(&mut self, reply: ShardReply) -> Result<(), LaneError> {
        if let ShardReply::Predictions(predictions) = reply {
            // Another lane of this process has begun to own what we still read.
            if predictions.foreign > 0 {
                return Err(LaneError::Lost);
            }
            // Without a transaction, what is sent cannot be taken back.
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

    /// Waits for all answers.
    fn drain(&mut self) -> Result<(), LaneError> {
        while self.lane.link.is_busy() {
            self.lane.link.flush()?;
            let reply = self.lane.link.awaited()?;
            self.take(reply)?;
        }
        Ok(())
    }

    /// Commits what was read and what came of it, then begins the snapshots that are due: state of exactly this commit.
    fn commit(&mut self) -> Result<(), LaneError> {
        self.drain()?;
        if self.transaction.dirty_since().is_none() {
            return Ok(());
        }
        self.commit_now()?;
        let due = self.snapshots_due();
        self.snapshot(&due)
    }

    fn commit_now(&mut self) -> Result<(), LaneError> {
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
        if !self.is_held_up && (is_further || self.lane.has_caught_up()) {
            self.lane.report.work(self.lane.number);
        }
        (self.lane.topic_id, self.topic_looked_at) = (self.topic_id, Instant::now());
        for owned in self.owned.values_mut().filter(|owned| owned.is_live()) {
            owned.committed = owned.next;
        }
        let metrics = &self.lane.metrics;
        // A lane that is stopped before the clients' first look hands over all the same.
        metrics.note_connected(true);
        metrics.predictions.fetch_add(predictions, Ordering::Relaxed);
        if let Some(newest_ns) = newest_ns {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let behind = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX).saturating_sub(newest_ns);
            metrics.freshness_nanos.store(behind, Ordering::Relaxed);
        }
        Ok(())
    }

    /// What a commit says of each live partition.
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

    /// The symbols whose turn it is: all within the interval, a few a commit, those first that wait longest.
    fn snapshots_due(&mut self) -> Vec<(u32, usize)> {
        let total: usize = self.owned.values().map(|owned| owned.symbols().len()).sum();
        let share = self.snapshots_at.elapsed().as_secs_f64() / self.lane.settings.snapshot_interval_s.get();
        self.snapshots_at = Instant::now();
        self.snapshots_due = (self.snapshots_due + share * total as f64).min(SNAPSHOTS_PER_COMMIT_MAX as f64);
        let count = self.snapshots_due as usize;
        let mut due: Vec<(u64, u32, usize)> = Vec::new();
        for (&number, owned) in self.owned.iter().filter(|(_, owned)| owned.is_live()) {
            let stale = owned.symbols().iter().enumerate().filter(|(_, s)| s.snapshot != Some(owned.next));
            due.extend(stale.map(|(i, symbol)| (symbol.snapshot_turn, number, i)));
        }
        due.sort_unstable();
        due.truncate(count);
        self.snapshots_due -= due.len() as f64;
        due.into_iter().map(|(_, number, i)| (number, i)).collect()
    }

    /// Asks for the state of these symbols, which is that of the last commit, and sends it with the next one.
    fn snapshot(&mut self, due: &[(u32, usize)]) -> Result<(), LaneError> {
        for some in due.chunks(LANE_QUESTIONS_MAX) {
            for &(partition, i) in some {
                let owned = &self.owned[&partition];
                self.lane.link.ask_snapshot(owned, owned.symbols()[i].symbol.id)?;
            }
            // Answers of one shard come in order, those of several do not: the key tells.
            for _ in some {
                let ShardReply::Snapshot { key, bytes } = self.lane.link.awaited()? else { continue };
                let owned = self.owned.get_mut(&key.partition.0).expect("it was asked for a moment ago");
                let (next, origin, new_origin_before) = (owned.next, owned.origin, owned.new_origin_before);
                let symbol = owned.symbols_mut().iter_mut().find(|s| s.symbol.id == key.symbol);
                let (Some(symbol), Some(bytes)) = (symbol, bytes) else { continue };
                symbol.snapshot = Some(next);
                self.snapshots_asked += 1;
                symbol.snapshot_turn = self.snapshots_asked;
                let kept = KeptSnapshot {
                    partition: key.partition.0,
                    symbol: symbol.symbol.name.to_string(),
                    first: symbol.first,
                    next,
                    topic_id: self.topic_id,
                    bytes,
                };
                self.lane.files.keep(&kept, origin, new_origin_before);
                let metrics = &self.lane.metrics;
                metrics.snapshots.fetch_add(1, Ordering::Relaxed);
                metrics.snapshot_bytes.fetch_add(kept.bytes.len() as u64, Ordering::Relaxed);
                self.transaction.send(Sent::Snapshot(kept))?;
            }
        }
        Ok(())
    }

    /// Says once that everything assigned is live.
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
