//! Consumers and producers: their properties and callbacks.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, ClientContext, Message, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol},
    error::{KafkaError, KafkaResult},
    producer::{BaseProducer, Producer},
    types::{RDKafkaErrorCode, RDKafkaRespErr},
};

use crate::{
    kafka::{
        oauth::gives_tokens,
        settings::{Delivery, KafkaSettings},
    },
    lanes::LaneMetrics,
};

/// A consumer of the group whose callbacks fill a [`LaneContext`].
pub(super) type LaneConsumer = BaseConsumer<LaneContext>;
/// A producer whose callbacks fill a [`ProducerSide`].
pub(super) type LaneProducer = BaseProducer<ProducerSide>;

/// A decision of the group about this consumer's partitions.
#[derive(Debug)]
pub(super) enum Rebalance {
    /// The consumer is to take these partitions.
    Assigned(TopicPartitionList),
    /// The consumer is to give these back. `lost`: another member owns them already.
    Revoked { partitions: TopicPartitionList, lost: bool },
}

/// Receives what the consumer reports outside of a poll. Rebalances wait here until the lane has prepared for them: the
/// group goes on when the lane assigns, and the lane serves its other partitions meanwhile.
pub(super) struct LaneContext {
    metrics: Arc<LaneMetrics>,
    rebalances: Mutex<Vec<Rebalance>>,
    /// The end of each partition of the ticks' topic, by number.
    ends: Mutex<BTreeMap<i32, End>>,
    topic: String,
    /// librdkafka's text about its newest error, which says more than the code that a poll returns.
    reason: Mutex<Option<String>>,
    /// Set while the consumer is being closed: revoked partitions are then given back at once.
    closing: AtomicBool,
}

/// The end of a partition for readers of committed records.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// The offset after the last committed record.
    pub(super) offset: i64,
    /// Whether the client has returned every record before `offset`. Offsets between the last record and the end hold
    /// transaction markers and aborted records only.
    pub(super) is_reached: bool,
}

impl LaneContext {
    /// The end of each partition, as of the last statistics report (one a second).
    pub(super) fn ends(&self) -> BTreeMap<i32, End> {
        self.ends.lock().expect("no code panics while it holds the ends").clone()
    }

    /// Takes librdkafka's text about the error that a poll has just returned.
    pub(super) fn take_reason(&self) -> Option<String> {
        self.reason.lock().expect("no code panics while it holds the text").take()
    }

    /// Takes the group's decisions since the last call, in order.
    pub(super) fn take_rebalances(&self) -> Vec<Rebalance> {
        std::mem::take(&mut *self.rebalances.lock().expect("no code panics while it holds the list"))
    }
}

impl ClientContext for LaneContext {
    gives_tokens!();

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }
    fn stats(&self, statistics: Statistics) {
        note_connection(&self.metrics, &statistics);
        if let Some(topic) = statistics.topics.get(&self.topic) {
            let ends = topic.partitions.iter().map(|(&number, partition)| {
                let is_known = partition.ls_offset >= 0;
                let is_reached =
                    is_known && partition.fetchq_cnt == 0 && partition.next_offset >= partition.ls_offset;
                (number, End { offset: partition.ls_offset, is_reached })
            });
            *self.ends.lock().expect("no code panics while it holds the ends") = ends.collect();
        }
    }
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka consumer");
        *self.reason.lock().expect("no code panics while it holds the text") = Some(reason.to_owned());
    }
}

impl ConsumerContext for LaneContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        code: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        if self.closing.load(Ordering::Acquire) {
            let _ = give_back(consumer, partitions);
            return;
        }
        let rebalance = if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            Rebalance::Assigned(partitions.clone())
        } else {
            Rebalance::Revoked { partitions: partitions.clone(), lost: consumer.assignment_lost() }
        };
        self.rebalances.lock().expect("no code panics while it holds the list").push(rebalance);
    }
}

/// Assigns partitions to the consumer at the offsets of the list.
pub(super) fn take_over(consumer: &LaneConsumer, partitions: &TopicPartitionList) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_assign(partitions),
        _ => consumer.assign(partitions),
    }
}

/// Removes partitions from the consumer's assignment.
pub(super) fn give_back(consumer: &LaneConsumer, partitions: &TopicPartitionList) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_unassign(partitions),
        _ => consumer.unassign(),
    }
}

/// Answers every pending decision of the group and all later ones. A consumer that is being closed waits for these
/// answers without end.
pub(super) fn settle(consumer: &LaneConsumer, unserved: impl IntoIterator<Item = Rebalance>) {
    let context = consumer.context();
    context.closing.store(true, Ordering::Release);
    for rebalance in unserved.into_iter().chain(context.take_rebalances()) {
        let settled = match rebalance {
            // Assigned partitions are taken; the group asks for them back at once.
            Rebalance::Assigned(partitions) => take_over(consumer, &partitions),
            Rebalance::Revoked { partitions, .. } => give_back(consumer, &partitions),
        };
        if let Err(error) = settled {
            tracing::debug!(%error, "the group's wish was void");
        }
    }
}

/// Receives what the producer reports outside of a call.
pub(super) struct ProducerSide {
    metrics: Arc<LaneMetrics>,
    /// The topic of the first record that was not delivered, and the reason.
    failure: Mutex<Option<String>>,
    is_transactional: bool,
}

impl ProducerSide {
    /// Whether a record was not delivered since the last [`take_failure`](Self::take_failure).
    pub(super) fn has_failed(&self) -> bool {
        self.failure.lock().expect("no code panics while it holds the failure").is_some()
    }

    /// Takes the reason why a record was not delivered; `None` if all were since the last call.
    pub(super) fn take_failure(&self) -> Option<String> {
        self.failure.lock().expect("no code panics while it holds the failure").take()
    }
}

impl ClientContext for ProducerSide {
    gives_tokens!();

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }
    fn stats(&self, statistics: Statistics) {
        note_connection(&self.metrics, &statistics);
    }
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka producer");
    }
}

impl rdkafka::producer::ProducerContext for ProducerSide {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &rdkafka::producer::DeliveryResult<'_>, (): Self::DeliveryOpaque) {
        let Err((error, message)) = result else { return };
        // A record that is purged with an aborted transaction does not give the reason.
        let is_purged = matches!(
            error.rdkafka_error_code(),
            Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight)
        );
        if !is_purged {
            let mut failure = self.failure.lock().expect("no code panics while it holds the failure");
            failure.get_or_insert_with(|| format!("{} did not take a record: {error}", message.topic()));
        }
    }
}

/// Logs a line of librdkafka's log.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, text: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => tracing::warn!(facility, text, "librdkafka"),
        RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => tracing::info!(facility, text, "librdkafka"),
        RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => tracing::debug!(facility, text, "librdkafka"),
    }
}

fn note_connection(metrics: &LaneMetrics, statistics: &Statistics) {
    let connected = statistics.brokers.values().any(|broker| broker.state == "UP");
    metrics.note_connected(connected);
}

/// The properties that all clients share.
pub(super) fn common(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &settings.bootstrap_servers)
        .set("client.id", format!("stormglass-{}", settings.instance))
        .set("reconnect.backoff.max.ms", "1000")
        .set("topic.metadata.refresh.interval.ms", "30000")
        .set("allow.auto.create.topics", "false")
        .set("log.connection.close", "false");
    for (name, value) in &settings.properties {
        config.set(name, value);
    }
    config
}

/// Makes a consumer that joins the group.
pub(super) fn consumer(
    settings: &KafkaSettings,
    lane: usize,
    metrics: &Arc<LaneMetrics>,
) -> KafkaResult<LaneConsumer> {
    let session_ms = settings.session_timeout_s.duration().as_millis();
    let mut config = common(settings);
    config
        .set("group.id", &settings.group)
        .set("group.instance.id", settings.member(lane))
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", session_ms.to_string())
        .set("heartbeat.interval.ms", (session_ms / 6).clamp(200, 3_000).to_string())
        .set("max.poll.interval.ms", session_ms.max(120_000).to_string())
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // The lane sets the first offset; a silent reset would lose records.
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_committed")
        .set("check.crcs", "true")
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.wait.max.ms", "100")
        .set("queued.min.messages", "50000")
        .set("queued.max.messages.kbytes", "65536")
        .set("statistics.interval.ms", "1000");
    let context = LaneContext {
        metrics: metrics.clone(),
        rebalances: Mutex::default(),
        ends: Mutex::default(),
        topic: settings.topic_raw.clone(),
        reason: Mutex::default(),
        closing: AtomicBool::new(false),
    };
    config.create_with_context(context)
}

/// The longest `socket.timeout.ms` that librdkafka takes.
const SOCKET_TIMEOUT_MS_MAX: u128 = 300_000;

/// Makes the transactional producer of a lane.
pub(super) fn producer(
    settings: &KafkaSettings,
    lane: usize,
    metrics: &Arc<LaneMetrics>,
) -> KafkaResult<LaneProducer> {
    let timeout_ms = settings.transaction_timeout_s.duration().as_millis();
    let mut config = common(settings);
    config
        .set("enable.idempotence", "true")
        .set("linger.ms", "1")
        // Neither may outlast the transaction.
        .set("message.timeout.ms", timeout_ms.to_string())
        .set("socket.timeout.ms", timeout_ms.min(SOCKET_TIMEOUT_MS_MAX).to_string())
        .set("queue.buffering.max.messages", "200000")
        .set("message.max.bytes", "1000000")
        .set("statistics.interval.ms", "1000");
    let is_transactional = settings.delivery == Delivery::ExactlyOnce;
    if is_transactional {
        config
            .set("transactional.id", settings.member(lane))
            .set("transaction.timeout.ms", timeout_ms.to_string());
    }
    let context = ProducerSide { metrics: metrics.clone(), failure: Mutex::default(), is_transactional };
    let producer: LaneProducer = config.create_with_context(context)?;
    // Fetches the token, if the client needs one, before any call that needs it.
    producer.poll(Duration::ZERO);
    Ok(producer)
}

/// Longest wait between two checks that every record is delivered.
const DELIVERY_LOOK: Duration = Duration::from_millis(1);

/// Waits until every sent record is delivered or has failed. With transactions it stops at the first failure: the
/// transaction can only be aborted then, and its other records stay queued until their timeout. librdkafka's own
/// `flush`, which `commit_transaction` calls first, checks only every 100 ms; after this function it has nothing to
/// wait for.
pub(super) fn deliver(producer: &LaneProducer, deadline: Instant) {
    let is_lost = || producer.context().is_transactional && producer.context().has_failed();
    while producer.in_flight_count() > 0 && !is_lost() && Instant::now() < deadline {
        producer.poll(DELIVERY_LOOK);
    }
}

/// Receives what a reader reports outside of a poll.
#[derive(Default)]
pub(super) struct ReaderContext {
    /// The reason why a broker refuses the client.
    refusal: Mutex<Option<String>>,
}

impl ReaderContext {
    /// The reason why a broker refuses this client, if one does. It is known once the reader was polled.
    pub(super) fn refusal(&self) -> Option<String> {
        self.refusal.lock().expect("no code panics while it holds the refusal").clone()
    }
}

impl ClientContext for ReaderContext {
    gives_tokens!();

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // A client without a group gets this error only through the log.
        let is_refusal = ["SASL authentication", "SSL handshake"].iter().any(|word| message.contains(word));
        if facility == "FAIL" && is_refusal {
            // The text after the name of the thread.
            let reason = message.split_once("]: ").map_or(message, |(_, reason)| reason);
            *self.refusal.lock().expect("no code panics while it holds the refusal") =
                Some(reason.to_owned());
        }
        log(level, facility, message);
    }
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka reader");
    }
}

impl ConsumerContext for ReaderContext {}

/// Makes a consumer outside of any group. It reads committed records and reports the end of each partition.
pub(super) fn reader(settings: &KafkaSettings) -> KafkaResult<BaseConsumer<ReaderContext>> {
    reader_as(settings, "read_committed")
}

/// Makes a reader with an isolation level: `read_committed`, or `read_uncommitted` to see records of open transactions
/// too.
pub(super) fn reader_as(
    settings: &KafkaSettings,
    isolation_level: &str,
) -> KafkaResult<BaseConsumer<ReaderContext>> {
    let mut config = common(settings);
    config
        // The group is never joined, and nothing is committed: librdkafka requires a group id, and the user may have
        // rights on this one only.
        .set("group.id", &settings.group)
        .set("enable.auto.commit", "false")
        .set("isolation.level", isolation_level)
        .set("enable.partition.eof", "true")
        // The end of a partition is reported when a fetch has waited this long without a record.
        .set("fetch.wait.max.ms", "50")
        .set("auto.offset.reset", "earliest")
        .set("check.crcs", "true");
    waiting_reader(&config)
}

/// Makes a reader and fetches its token, if it needs one, before any call that needs the token.
pub(super) fn waiting_reader(config: &ClientConfig) -> KafkaResult<BaseConsumer<ReaderContext>> {
    let reader: BaseConsumer<ReaderContext> = config.create_with_context(ReaderContext::default())?;
    drop(reader.poll(Duration::ZERO));
    Ok(reader)
}
