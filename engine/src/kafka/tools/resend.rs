//! Writes a recording back into a topic: the same bytes, keys, headers, times and partition numbers.

use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::BaseRecord,
};

use crate::{
    kafka::{
        client,
        settings::KafkaSettings,
        tools::{
            confirmed::{ConfirmedProducer, Delivered},
            replay::{ReplayError, newest_time},
        },
        topics,
    },
    recording::LogRecord,
    tick::EventTime,
};

/// A sink that writes records as they were recorded.
pub struct ResendSink {
    producer: ConfirmedProducer,
    topic: String,
    /// Message time of the newest record in the topic.
    newest: Option<EventTime>,
}

impl ResendSink {
    /// A sink for the topic `settings.topic_raw`, which is created with `partitions` if absent.
    ///
    /// # Errors
    /// [`ReplayError`] when the broker cannot be reached, or the topic has fewer partitions than the recorded one.
    pub fn open(settings: &KafkaSettings, partitions: u32) -> Result<Self, ReplayError> {
        let topic = &settings.topic_raw;
        let failed = |error: topics::TopicsError| ReplayError::Topics(error.to_string());
        let has = topics::ensure(&client::reader(settings)?, settings, topic, partitions as usize, &[])
            .map_err(failed)?;
        if has < partitions as usize {
            return Err(ReplayError::Topics(format!(
                "topic {topic:?} has {has} partitions and the recorded one had {partitions}: its records would not find \
                 theirs; give it as many, or name another --topic"
            )));
        }
        let producer = ConfirmedProducer::new(settings)?;
        Ok(Self { producer, topic: topic.clone(), newest: newest_time(settings)? })
    }

    /// Message time of the newest record that the topic held before.
    pub fn newest(&self) -> Option<EventTime> {
        self.newest
    }

    /// Queues a record. Returns false once one has failed, because later records would follow a gap.
    pub fn send(&self, record: &LogRecord) -> bool {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (key, value) in &record.headers {
            headers = headers.insert(Header { key, value: value.as_deref() });
        }
        let mut new: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(&self.topic).partition(record.partition as i32).headers(headers);
        new.key = record.key.as_deref();
        new.payload = record.value.as_deref();
        new.timestamp = record.timestamp_ms;
        self.producer.send(new);
        !self.producer.has_failed()
    }

    /// Waits until every record is confirmed or has failed.
    pub fn finish(self) -> Delivered {
        self.producer.finish()
    }
}
