//! The transaction of a lane. Records are kept until the outcome of the commit is known, so that an aborted transaction
//! whose partitions are still owned is sent again without reading the ticks again.

mod offsets;

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{CommitMode, Consumer},
    error::KafkaError,
    message::{Header, OwnedHeaders, ToBytes},
    producer::{BaseRecord, Producer, PurgeConfig},
    types::RDKafkaErrorCode,
};

use self::offsets::{remaining, retrying};
use crate::{
    kafka::{
        client::{self, LaneConsumer, LaneProducer},
        group::{models::ModelRecord, owners::OwnerRecord},
        lane::{dead_letter::DeadLetter, snapshot_topic::KeptSnapshot},
        settings::{Delivery, KafkaSettings},
    },
    lanes::{LaneMetrics, TransactionOutcome},
    message::Predictions,
};

/// Most attempts at one transaction.
const ATTEMPTS_MAX: u32 = 5;
/// Pause between two attempts.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(50);

/// Records that are written in one transaction.
#[derive(Debug)]
pub(super) enum Sent {
    Predictions(Predictions),
    DeadLetter(DeadLetter),
    Snapshot(KeptSnapshot),
    Owner(OwnerRecord),
    Model(ModelRecord),
}

/// The reason why a lane drops its clients and starts again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// Another producer took the name, or the broker timed the transaction out.
    #[error("the producer was fenced: {0}")]
    Fenced(String),
    /// The transaction was aborted in every attempt, or another member owns the partitions.
    #[error("the transaction was given up: {0}")]
    Aborted(String),
    /// The transaction was not committed, because its records may be of another topic of the same name.
    #[error("nothing is committed: {0}")]
    Withheld(String),
    /// The outcome of the commit is unknown.
    #[error("the outcome of the transaction is not known: {0}")]
    Indefinite(String),
}

impl Broken {
    pub(super) fn outcome(&self) -> TransactionOutcome {
        match self {
            Self::Fenced(_) => TransactionOutcome::Fenced,
            Self::Aborted(_) | Self::Withheld(_) => TransactionOutcome::Aborted,
            Self::Indefinite(_) => TransactionOutcome::Indefinite,
        }
    }
}

/// The producer of a lane with the records of its open transaction.
pub(super) struct Transaction {
    producer: Arc<LaneProducer>,
    settings: Arc<KafkaSettings>,
    metrics: Arc<LaneMetrics>,
    is_open: bool,
    /// Time of the first record or read since the last commit; `None` if there is nothing to commit.
    dirty_since: Option<Instant>,
    sent: Vec<Sent>,
    /// Number of Kafka records made of `sent`.
    records: usize,
    dlq_partitions: i32,
}

impl Transaction {
    /// A transaction on this producer, whose initialisation has fenced older ones of its name.
    pub(super) fn new(
        producer: LaneProducer,
        settings: Arc<KafkaSettings>,
        metrics: Arc<LaneMetrics>,
        dlq_partitions: i32,
    ) -> Self {
        Self {
            producer: Arc::new(producer),
            settings,
            metrics,
            is_open: false,
            dirty_since: None,
            sent: Vec::new(),
            records: 0,
            dlq_partitions,
        }
    }

    /// Notes that a commit is due from now on, because something was read.
    pub(super) fn touch(&mut self) {
        self.dirty_since.get_or_insert_with(Instant::now);
    }

    /// Time of the first record or read since the last commit; `None` if there is nothing to commit.
    pub(super) fn dirty_since(&self) -> Option<Instant> {
        self.dirty_since
    }

    /// Number of Kafka records since the last commit.
    pub(super) fn records(&self) -> usize {
        self.records
    }

    /// Sends a record in the open transaction, and keeps it until the commit.
    pub(super) fn send(&mut self, sent: Sent) -> Result<(), Broken> {
        self.touch();
        // A failure here shows again at the commit, which handles it.
        let begun = self.begin().and_then(|()| self.produce(&sent));
        self.sent.push(sent);
        match begun {
            Err(error) if self.is_abortable(&error) => Ok(()),
            other => other.map_err(|error| self.broken(&error)),
        }
    }

    /// Number of predictions since the last commit, and the newest event time among them, ns.
    pub(super) fn predictions(&self) -> (u64, Option<i64>) {
        let sent = self.sent.iter().filter_map(|sent| match sent {
            Sent::Predictions(predictions) => Some(&predictions.entries),
            Sent::DeadLetter(_) | Sent::Snapshot(_) | Sent::Owner(_) | Sent::Model(_) => None,
        });
        sent.fold((0, None), |(count, newest), entries| {
            let newest_here = entries.iter().map(|entry| entry.as_of.nanos()).max();
            (count + entries.len() as u64, newest.max(newest_here))
        })
    }

    /// Runs the producer's pending callbacks.
    pub(super) fn serve(&self) {
        self.producer.poll(Duration::ZERO);
    }

    fn begin(&mut self) -> Result<(), KafkaError> {
        if !self.is_open && self.settings.delivery == Delivery::ExactlyOnce {
            self.producer.begin_transaction()?;
        }
        self.is_open = true;
        Ok(())
    }

    fn produce(&mut self, sent: &Sent) -> Result<(), KafkaError> {
        let settings = self.settings.clone();
        match sent {
            Sent::Predictions(predictions) => {
                self.records += predictions.entries.len();
                for (entry, bytes) in predictions.iter() {
                    let position = entry.position;
                    let (partition, offset) = (position.partition.0, position.offset.0);
                    let src = format!("{partition}:{offset}:{}", position.index);
                    let mut headers = OwnedHeaders::new_with_capacity(2)
                        .insert(Header { key: "src", value: Some(src.as_bytes()) });
                    if let Some(model) = &entry.model {
                        headers = headers.insert(Header { key: "model", value: Some(&model.sha256) });
                    }
                    let record = BaseRecord::to(&settings.topic_predictions)
                        .partition(partition as i32)
                        .key(entry.symbol.name.as_bytes())
                        .payload(bytes)
                        .headers(headers);
                    self.enqueue(record)?;
                }
            }
            Sent::DeadLetter(letter) => {
                self.records += 1;
                let headers = letter.headers(&settings.topic_raw, &settings.group);
                let mut record = BaseRecord::to(&settings.topic_dlq)
                    .partition(letter.partition() % self.dlq_partitions.max(1))
                    .payload(letter.payload())
                    .headers(headers);
                record.key = letter.key();
                self.enqueue(record)?;
            }
            Sent::Snapshot(snapshot) => {
                for (key, chunk, headers) in snapshot.records() {
                    self.records += 1;
                    let record = BaseRecord::to(&settings.topic_snapshots)
                        .partition(snapshot.partition as i32)
                        .key(key.as_bytes())
                        .payload(chunk)
                        .headers(headers);
                    self.enqueue(record)?;
                }
            }
            Sent::Owner(owner) => {
                self.keyed(&settings.topic_owners, owner.partition, &owner.payload)?;
            }
            Sent::Model(model) => self.keyed(&settings.topic_models, model.partition, &model.encode())?,
        }
        Ok(())
    }

    /// Queues a record of a compacted topic whose keys are partitions of the ticks.
    fn keyed(&mut self, topic: &str, partition: u32, payload: &[u8]) -> Result<(), KafkaError> {
        self.records += 1;
        let key = partition.to_string();
        self.enqueue(BaseRecord::to(topic).partition(0).key(key.as_bytes()).payload(payload))
    }

    /// Queues a record; blocks while the producer's queue is full.
    fn enqueue<K: ToBytes + ?Sized, P: ToBytes + ?Sized>(
        &self,
        mut record: BaseRecord<'_, K, P>,
    ) -> Result<(), KafkaError> {
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    // Bounded: a record that cannot be delivered leaves the queue after `message.timeout.ms`.
                    self.producer.poll(Duration::from_millis(10));
                    record = back;
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// Commits the sent records and these offsets, unless `check`, which runs last, fails. On success nothing is kept;
    /// on an error the lane starts again.
    pub(super) fn commit(
        &mut self,
        consumer: &LaneConsumer,
        offsets: &TopicPartitionList,
        mut check: impl FnMut() -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let started = Instant::now();
        let mut attempt = 0;
        let result = loop {
            attempt += 1;
            // The next owner of the partitions reads these records again, so their predictions must not be written
            // here.
            if consumer.assignment_lost() {
                break Err(Broken::Aborted("the group gave the partitions to somebody else".to_owned()));
            }
            let result = match self.settings.delivery {
                Delivery::ExactlyOnce => self.try_commit(consumer, offsets, &mut check),
                Delivery::AtLeastOnce => self.try_flush(consumer, offsets, &mut check),
            };
            match result {
                Err(Broken::Aborted(why)) if attempt < ATTEMPTS_MAX => {
                    self.metrics.count(TransactionOutcome::Aborted);
                    tracing::info!(why, attempt, "a transaction was given up and is sent again");
                    std::thread::sleep(ATTEMPT_PAUSE);
                    if let Err(error) = self.send_again() {
                        break Err(self.broken(&error));
                    }
                }
                other => break other,
            }
        };
        let nanos = started.elapsed().as_nanos() as u64;
        match result {
            Ok(()) => {
                self.metrics.count(TransactionOutcome::Committed);
                self.metrics.commit_nanos.fetch_add(nanos, Ordering::Relaxed);
                // The clients report their connection once a second, for the first time a second after the start.
                self.metrics.note_connected(true);
                (self.is_open, self.dirty_since, self.records) = (false, None, 0);
                self.sent.clear();
                Ok(())
            }
            Err(broken) => {
                self.metrics.count(broken.outcome());
                Err(broken)
            }
        }
    }

    fn send_again(&mut self) -> Result<(), KafkaError> {
        (self.is_open, self.records) = (false, 0);
        self.begin()?;
        let sent = std::mem::take(&mut self.sent);
        let result = sent.iter().try_for_each(|sent| self.produce(sent));
        self.sent = sent;
        match result {
            Err(error) if !self.is_abortable(&error) => Err(error),
            _ => Ok(()),
        }
    }

    fn try_commit(
        &mut self,
        consumer: &LaneConsumer,
        offsets: &TopicPartitionList,
        check: &mut dyn FnMut() -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let deadline = Instant::now() + self.settings.transaction_timeout_s.duration().mul_f64(0.8);
        self.begin().map_err(|error| self.broken(&error))?;
        let Some(member) = consumer.group_metadata() else {
            return Err(Broken::Aborted("the consumer is in no group".to_owned()));
        };
        let sent = offsets::send(&self.producer, offsets, member, deadline);
        let delivered = sent.map_err(Broken::Indefinite)?.map(|()| {
            client::deliver(&self.producer, deadline);
            !self.producer.context().has_failed()
        });
        let committed = match delivered {
            Ok(true) => {
                // After the offsets, because a fenced producer gets its error from them first.
                check()?;
                retrying(deadline, || self.producer.commit_transaction(remaining(deadline))).map(|()| true)
            }
            other => other,
        };
        let broken = match committed {
            Ok(true) => return Ok(()),
            Ok(false) => {
                self.fatal_error().unwrap_or(Broken::Aborted("a record was not delivered".to_owned()))
            }
            Err(error) => self.broken(&error),
        };
        let Broken::Aborted(why) = broken else { return Err(broken) };
        let aborted = self.abort();
        // The undelivered record's error is more helpful than the transaction's.
        let why = self.producer.context().take_failure().unwrap_or(why);
        Err(match aborted.map_err(|error| self.broken(&error)) {
            Ok(()) => Broken::Aborted(why),
            Err(Broken::Fenced(why)) => Broken::Fenced(why),
            Err(other) => Broken::Indefinite(format!("{why}; then: {other}")),
        })
    }

    /// Aborts the transaction without waiting for records that are being sent.
    fn abort(&self) -> Result<(), KafkaError> {
        self.producer.purge(PurgeConfig::default().queue().inflight());
        self.producer.flush(self.settings.transaction_timeout_s.duration())?;
        self.producer.abort_transaction(self.settings.transaction_timeout_s.duration())
    }

    fn try_flush(
        &mut self,
        consumer: &LaneConsumer,
        offsets: &TopicPartitionList,
        check: &mut dyn FnMut() -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let indefinite = |error: KafkaError| Broken::Indefinite(error.to_string());
        client::deliver(&self.producer, Instant::now() + self.settings.transaction_timeout_s.duration());
        self.producer.flush(Duration::ZERO).map_err(indefinite)?;
        if let Some(failure) = self.producer.context().take_failure() {
            return Err(Broken::Aborted(failure));
        }
        check()?;
        if offsets.count() > 0 {
            consumer.commit(offsets, CommitMode::Sync).map_err(indefinite)?;
        }
        Ok(())
    }

    /// The error that has made the producer unusable, if there was one. Every later call fails with an error that need
    /// not name this cause.
    fn fatal_error(&self) -> Option<Broken> {
        let (code, reason) = self.producer.client().fatal_error()?;
        Some(if is_fencing(code) { Broken::Fenced(reason) } else { Broken::Indefinite(reason) })
    }

    fn is_abortable(&self, error: &KafkaError) -> bool {
        matches!(self.broken(error), Broken::Aborted(_))
    }

    /// Maps an error of the producer to the outcome of the transaction.
    fn broken(&self, error: &KafkaError) -> Broken {
        if let Some(broken) = self.fatal_error() {
            return broken;
        }
        let text = error.to_string();
        match error {
            KafkaError::Transaction(error) if error.txn_requires_abort() => Broken::Aborted(text),
            // A record that cannot be queued, because an earlier one failed.
            KafkaError::MessageProduction(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::State) => {
                Broken::Aborted(text)
            }
            _ if error.rdkafka_error_code().is_some_and(is_fencing) => Broken::Fenced(text),
            _ => Broken::Indefinite(text),
        }
    }
}

/// Whether another producer of this name exists, or the broker has timed the transaction out. A wrong transaction state
/// means neither: a coordinator reports it after its earlier response was lost.
fn is_fencing(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::Fenced | RDKafkaErrorCode::InvalidProducerEpoch | RDKafkaErrorCode::ProducerFenced
    )
}
