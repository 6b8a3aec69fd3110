//! Reads a topic as a log, from its beginning to its end at the time it was opened; committed records only.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, base_consumer::PartitionQueue},
    error::{KafkaError, KafkaResult},
    message::{BorrowedMessage, Headers},
    types::RDKafkaErrorCode,
};

use crate::{
    kafka::{
        client::{self, ReaderContext},
        lane::progress::Progress,
        settings::KafkaSettings,
        topics,
    },
    recording::{LogError, LogRecord, PartitionRecords, PartitionedLog},
    verify::Committed,
};

const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait of one poll for a record.
const SLICE: Duration = Duration::from_millis(100);

/// A consumer outside the lanes.
pub(crate) type Reader = BaseConsumer<ReaderContext>;

pub(crate) fn kafka_error(error: impl std::fmt::Display) -> LogError {
    LogError::Kafka(error.to_string())
}

/// Properties of a reader: committed records only, end of partition reported, small buffers.
fn reader_config(settings: &KafkaSettings) -> ClientConfig {
    let mut config = client::common(settings);
    config
        // The group is never joined and nothing is committed; its offsets are read by its name.
        .set("group.id", &settings.group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        // The offset existed a moment ago; if it is gone now, skipping it silently would lose records.
        .set("auto.offset.reset", "error")
        .set("check.crcs", "true")
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.wait.max.ms", "50")
        .set("queued.min.messages", "20000")
        .set("queued.max.messages.kbytes", "8192");
    config
}

pub(crate) fn reader(settings: &KafkaSettings) -> Result<Reader, LogError> {
    client::waiting_reader(&reader_config(settings)).map_err(kafka_error)
}

/// The first and last offset of a partition at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Offset of the oldest record.
    pub(crate) first: u64,
    /// The offset after the newest record.
    pub(crate) end: u64,
}

impl Bounds {
    /// Number of records from `committed` on; all if it is `None`.
    pub(crate) fn behind(self, committed: Option<u64>) -> u64 {
        self.end.saturating_sub(committed.map_or(self.first, |committed| committed.max(self.first)))
    }
}

/// The bounds of all partitions of a topic. Fails if the topic does not exist or this user may not see it.
pub(crate) fn bounds(reader: &Reader, topic: &str) -> Result<BTreeMap<u32, Bounds>, LogError> {
    bounds_within(reader, topic, TIMEOUT)
}

/// As [`bounds`]; each request to the broker may take `timeout`.
pub(crate) fn bounds_within(
    reader: &Reader,
    topic: &str,
    timeout: Duration,
) -> Result<BTreeMap<u32, Bounds>, LogError> {
    let metadata = reader.fetch_metadata(Some(topic), timeout).map_err(|error| {
        // The error that a broker sends before it closes the connection is returned by a poll.
        while reader.poll(Duration::ZERO).is_some() {}
        match reader.context().refusal() {
            Some(refusal) => LogError::Kafka(format!(
                "the broker refuses the connection; check kafka.properties: {refusal}"
            )),
            None => LogError::Kafka(format!("the broker did not answer: {error}")),
        }
    })?;
    let found = metadata.topics().first();
    if found.is_some_and(topics::is_hidden) {
        return Err(LogError::Topic(topics::hidden(topic)));
    }
    let count = found.map_or(0, |topic| topic.partitions().len());
    if count == 0 {
        return Err(LogError::Topic(format!("topic {topic:?} does not exist; name one that does")));
    }
    let mut bounds = BTreeMap::new();
    for partition in 0..count as u32 {
        let (low, high) = reader.fetch_watermarks(topic, partition as i32, timeout).map_err(kafka_error)?;
        bounds.insert(partition, Bounds { first: low.max(0) as u64, end: high.max(0) as u64 });
    }
    Ok(bounds)
}

/// Converts a record of librdkafka to ours.
pub(crate) fn record(message: &BorrowedMessage<'_>) -> LogRecord {
    let headers = message.headers().map_or(Vec::new(), |headers| {
        headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
    });
    LogRecord {
        partition: message.partition() as u32,
        offset: message.offset().max(0) as u64,
        timestamp_ms: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}

/// A topic, bounded by its end when this was opened.
pub struct TopicLog {
    settings: KafkaSettings,
    topic: String,
    bounds: BTreeMap<u32, Bounds>,
}

impl TopicLog {
    /// Reads the bounds of the topic.
    ///
    /// # Errors
    /// [`LogError`] when the broker does not answer, or the topic does not exist or this user may not see it.
    pub fn open(settings: &KafkaSettings, topic: &str) -> Result<Self, LogError> {
        let bounds = bounds(&reader(settings)?, topic)?;
        Ok(Self { settings: settings.clone(), topic: topic.to_owned(), bounds })
    }

    /// How many partitions the topic has.
    pub fn partition_count(&self) -> u32 {
        self.bounds.len() as u32
    }
}

/// The bounds of a partition and the group's committed offset in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupPosition {
    pub(crate) bounds: Bounds,
    /// The committed offset with its metadata; `None` if the group has committed nothing.
    pub(crate) committed: Option<Committed>,
}

impl GroupPosition {
    /// Records that the group has not committed.
    pub(crate) fn lag(&self) -> u64 {
        self.bounds.behind(self.committed.map(|committed| committed.offset))
    }
}

/// The group's position in each partition of the ticks' topic. Each request may take `timeout`.
///
/// # Errors
/// [`LogError`] when the broker does not answer.
pub(crate) fn positions(
    settings: &KafkaSettings,
    timeout: Duration,
) -> Result<BTreeMap<u32, GroupPosition>, LogError> {
    let reader = reader(settings)?;
    let bounds = bounds_within(&reader, &settings.topic_raw, timeout)?;
    let committed = committed(&reader, settings, &bounds, timeout).map_err(kafka_error)?;
    let position = |(partition, bounds)| {
        let committed = committed.get(&partition).copied();
        (partition, GroupPosition { bounds, committed })
    };
    Ok(bounds.into_iter().map(position).collect())
}

/// The offsets that the group has committed in these partitions of the ticks' topic; a partition without one is left
/// out.
pub(crate) fn committed(
    reader: &Reader,
    settings: &KafkaSettings,
    partitions: &BTreeMap<u32, Bounds>,
    timeout: Duration,
) -> KafkaResult<BTreeMap<u32, Committed>> {
    let mut list = TopicPartitionList::new();
    for &partition in partitions.keys() {
        list.add_partition(&settings.topic_raw, partition as i32);
    }
    let mut committed = BTreeMap::new();
    let found = reader.committed_offsets(list, timeout);
    for element in found.map_err(|error| group_refusal(reader).unwrap_or(error))?.elements() {
        element.error()?;
        if let Offset::Offset(offset) = element.offset() {
            let origin = Progress::parse(element.metadata()).map(|progress| progress.origin);
            let found = Committed { offset: offset.max(0) as u64, origin };
            committed.insert(element.partition() as u32, found);
        }
    }
    Ok(committed)
}

/// The reason why the broker does not name the group's coordinator to this user, if it does not. A request to the
/// coordinator only times out then, and the reason comes with a poll.
fn group_refusal(reader: &Reader) -> Option<KafkaError> {
    std::iter::from_fn(|| reader.poll(Duration::ZERO)).find_map(|polled| polled.err().filter(is_forbidden))
}

/// Whether the broker refuses this user the request, so that repeating it is useless.
pub(crate) fn is_forbidden(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::GroupAuthorizationFailed)
    )
}

/// For each partition, the committed offset: the predictions of all ticks below it are committed.
///
/// # Errors
/// [`LogError`] when the broker does not answer.
pub fn committed_offsets(settings: &KafkaSettings) -> Result<BTreeMap<u32, Committed>, LogError> {
    let positions = positions(settings, TIMEOUT)?;
    let committed =
        positions.into_iter().filter_map(|(partition, position)| Some((partition, position.committed?)));
    Ok(committed.collect())
}

impl PartitionedLog for TopicLog {
    fn topic(&self) -> &str {
        &self.topic
    }

    fn partitions(&self) -> Vec<u32> {
        let has_records =
            |(&partition, bounds): (&u32, &Bounds)| (bounds.first < bounds.end).then_some(partition);
        self.bounds.iter().filter_map(has_records).collect()
    }

    fn first_offset(&self, partition: u32) -> Option<u64> {
        self.bounds.get(&partition).map(|bounds| bounds.first)
    }

    fn length(&self, partition: u32) -> u64 {
        self.bounds.get(&partition).map_or(0, |bounds| bounds.end - bounds.first)
    }

    fn read(&self, partitions: &[u32]) -> Result<Vec<PartitionRecords>, LogError> {
        let consumer = Arc::new(reader(&self.settings)?);
        let bounds = |partition: &u32| {
            let bounds = self.bounds.get(partition).copied().unwrap_or(Bounds { first: 0, end: 0 });
            (*partition, bounds)
        };
        let partitions: Vec<(u32, Bounds)> = partitions.iter().map(bounds).collect();
        let mut list = TopicPartitionList::new();
        for (partition, bounds) in partitions.iter().filter(|(_, bounds)| bounds.first < bounds.end) {
            let from = Offset::Offset(bounds.first as i64);
            list.add_partition_offset(&self.topic, *partition as i32, from).map_err(kafka_error)?;
        }
        if list.count() > 0 {
            consumer.assign(&list).map_err(kafka_error)?;
        }
        // A queue for each partition: each has its own bound, and can wait while another is read.
        let split = |(partition, bounds): (u32, Bounds)| -> Result<PartitionRecords, LogError> {
            if bounds.first >= bounds.end {
                return Ok(Box::new(std::iter::empty()));
            }
            let queue = consumer
                .split_partition_queue(&self.topic, partition as i32)
                .ok_or_else(|| LogError::Kafka(format!("partition {partition} has no queue")))?;
            Ok(Box::new(QueueRecords { queue, consumer: consumer.clone(), end: bounds.end, is_done: false }))
        };
        partitions.into_iter().map(split).collect()
    }
}

/// One partition's records.
struct QueueRecords {
    queue: PartitionQueue<ReaderContext>,
    consumer: Arc<Reader>,
    end: u64,
    is_done: bool,
}

impl QueueRecords {
    fn advance(&mut self) -> Result<Option<LogRecord>, LogError> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            match self.queue.poll(SLICE) {
                Some(Ok(message)) => {
                    let record = record(&message);
                    return Ok((record.offset < self.end).then_some(record));
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
                Some(Err(error)) => return Err(kafka_error(error)),
                None => {}
            }
            match self.consumer.poll(Duration::ZERO) {
                // The record was fetched before the queues were split. None may be skipped silently.
                Some(Ok(_)) => {
                    return Err(LogError::Kafka("a record came out of turn; try again".to_owned()));
                }
                Some(Err(error)) if Instant::now() > deadline => return Err(kafka_error(error)),
                _ if Instant::now() > deadline => {
                    let seconds = TIMEOUT.as_secs();
                    return Err(LogError::Kafka(format!("the broker has sent nothing for {seconds} s")));
                }
                _ => {}
            }
        }
    }
}

impl Iterator for QueueRecords {
    type Item = Result<LogRecord, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let next = self.advance();
        self.is_done = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}
