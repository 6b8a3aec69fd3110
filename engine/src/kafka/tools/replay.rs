//! Writes recorded ticks to a topic: message time = event time, key = symbol, every delivery confirmed and counted.

use std::time::Duration;

use rdkafka::{
    Message, Offset as LogOffset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, KafkaResult},
    producer::BaseRecord,
    types::RDKafkaErrorCode,
};

use crate::{
    encode::encode,
    intake::{RecordEvent, TickSink},
    kafka::{
        client::{self, ReaderContext},
        settings::KafkaSettings,
        tools::confirmed::{ConfirmedProducer, Delivered},
        topics,
    },
    symbol::Offset,
    tick::{EventTime, Tick},
};

const TIMEOUT: Duration = Duration::from_secs(30);
/// Distance from the end of a partition at which the search for its newest record starts.
const TAIL_MIN: i64 = 16;
/// Factor by which that distance grows each time no record is found.
const TAIL_FACTOR: i64 = 16;

/// The reason why ticks were not replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A topic is missing, hidden or has a wrong partition count.
    #[error("{0}")]
    Topics(String),
    /// The broker or the client failed.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
}

/// The number of ticks replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayCounts {
    /// Ticks that the broker has confirmed.
    pub delivered: u64,
    /// Ticks that the broker has not confirmed.
    pub failed: u64,
    /// Records, or tickers in one, that could not be read.
    pub unreadable: u64,
    /// The error of the first tick that failed.
    pub failure: Option<String>,
}

/// A sink that writes ticks to the ticks' topic.
pub struct TopicSink {
    producer: ConfirmedProducer,
    topic: String,
    /// Added to every event time, ns.
    shift_ns: Shift,
    /// Message time of the newest record in the topic.
    newest: Option<EventTime>,
    refused: Option<EventTime>,
    oldest: Option<EventTime>,
    text: String,
    unreadable: u64,
}

enum Shift {
    None,
    /// Shift all times so that the first tick is at this time.
    FirstAt(EventTime),
    By(i64),
}

impl TopicSink {
    /// A sink for the topic, which is created if absent. With `first_at`, all times are shifted so that the first tick
    /// is at that time.
    ///
    /// # Errors
    /// [`ReplayError`] when the broker cannot be reached or the topics are not as they must be.
    pub fn open(settings: &KafkaSettings, first_at: Option<EventTime>) -> Result<Self, ReplayError> {
        topics::prepare(settings).map_err(|error| ReplayError::Topics(error.to_string()))?;
        let newest = newest_time(settings)?;
        let producer = ConfirmedProducer::new(settings)?;
        let shift_ns = first_at.map_or(Shift::None, Shift::FirstAt);
        let topic = settings.topic_raw.clone();
        Ok(Self {
            producer,
            topic,
            shift_ns,
            newest,
            refused: None,
            oldest: None,
            text: String::new(),
            unreadable: 0,
        })
    }

    /// Time of the first tick that was not written because the topic holds newer records. No later tick is written
    /// either.
    pub fn refused(&self) -> Option<EventTime> {
        self.refused
    }

    /// The earliest time that was written.
    pub fn oldest(&self) -> Option<EventTime> {
        self.oldest
    }

    /// Message time of the newest record that the topic held before.
    pub fn newest(&self) -> Option<EventTime> {
        self.newest
    }

    /// Waits until every tick is confirmed or has failed.
    pub fn finish(self) -> ReplayCounts {
        let Delivered { delivered, failed, failure } = self.producer.finish();
        ReplayCounts { delivered, failed, unreadable: self.unreadable, failure }
    }

    fn shifted(&mut self, time: EventTime) -> Option<EventTime> {
        let shift_ns = match self.shift_ns {
            Shift::None => return Some(time),
            Shift::FirstAt(first) => first.nanos() - time.nanos(),
            Shift::By(shift_ns) => shift_ns,
        };
        self.shift_ns = Shift::By(shift_ns);
        EventTime::from_nanos(time.nanos() + shift_ns)
    }
}

impl TickSink for TopicSink {
    fn tick(&mut self, venue: &str, product: &str, _record_offset: Offset, _index: u32, tick: Tick) {
        let Some(event_time) = self.shifted(tick.event_time) else {
            self.unreadable += 1;
            return;
        };
        // A reader would drop all ticks that are older than those in the topic as late.
        if self.refused.is_some() || self.newest.is_some_and(|newest| event_time < newest) {
            self.refused.get_or_insert(event_time);
            return;
        }
        // Compares only with records that were there before; a recording keeps its own order.
        self.newest = None;
        self.oldest = Some(self.oldest.map_or(event_time, |oldest| oldest.min(event_time)));
        encode(venue, product, &Tick { event_time, ..tick }, &mut self.text);
        let key = format!("{venue}:{product}");
        let record = BaseRecord::to(&self.topic)
            .key(&key)
            .payload(&self.text)
            .timestamp(event_time.nanos() / 1_000_000);
        self.producer.send(record);
    }

    fn event(&mut self, _record_offset: Offset, event: RecordEvent) {
        self.unreadable += u64::from(matches!(event, RecordEvent::Unreadable(_)));
    }
}

/// The message time of the newest record of the ticks' topic.
pub(super) fn newest_time(settings: &KafkaSettings) -> KafkaResult<Option<EventTime>> {
    let reader = client::reader(settings)?;
    let metadata = reader.fetch_metadata(Some(&settings.topic_raw), TIMEOUT)?;
    let count = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    let mut newest_ms = None;
    for partition in 0..count as i32 {
        newest_ms = newest_ms.max(newest_ms_of(&reader, &settings.topic_raw, partition)?);
    }
    Ok(newest_ms.and_then(|ms| EventTime::from_nanos(ms.checked_mul(1_000_000)?)))
}

/// Message time of the newest record of one partition, in ms. Transaction markers and aborted records take offsets too,
/// so this looks ever further back until it finds a record.
fn newest_ms_of(
    reader: &BaseConsumer<ReaderContext>,
    topic: &str,
    partition: i32,
) -> KafkaResult<Option<i64>> {
    let (low, high) = reader.fetch_watermarks(topic, partition, TIMEOUT)?;
    let mut back = TAIL_MIN;
    loop {
        let from = (high - back).max(low);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, LogOffset::Offset(from))?;
        reader.assign(&list)?;
        let mut newest_ms = None;
        loop {
            match reader.poll(TIMEOUT) {
                Some(Ok(message)) => newest_ms = newest_ms.max(message.timestamp().to_millis()),
                Some(Err(KafkaError::PartitionEOF(_))) => break,
                Some(Err(error)) => return Err(error),
                None => return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut)),
            }
        }
        if newest_ms.is_some() || from == low {
            return Ok(newest_ms);
        }
        back *= TAIL_FACTOR;
    }
}
