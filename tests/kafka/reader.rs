//! An independent reader of what is committed.

use std::time::{Duration, Instant};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::Headers,
};

use super::broker;

/// Far beyond what a loaded machine needs.
const LIMIT: Duration = Duration::from_secs(60);

/// A record as read.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) partition: u32,
    pub(super) offset: u64,
    pub(super) key: String,
    pub(super) payload: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, String)>,
}

impl Read {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn consumer(isolation: &str, group: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", broker::servers())
        .set("group.id", group)
        .set("isolation.level", isolation)
        .set("enable.partition.eof", "true")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap()
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> usize {
    let metadata = consumer.fetch_metadata(Some(topic), LIMIT).unwrap();
    metadata.topics()[0].partitions().len()
}

/// All committed records of a topic up to its present end, each partition in order.
pub(super) fn read_all(topic: &str) -> Vec<Read> {
    let consumer = consumer("read_committed", "reader");
    let mut open = partitions(&consumer, topic);
    let mut list = TopicPartitionList::new();
    for partition in 0..open {
        list.add_partition_offset(topic, partition as i32, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let mut read = Vec::new();
    let mut newest = Instant::now();
    while open > 0 {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                newest = Instant::now();
                let text =
                    |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap();
                let headers = message.headers().map_or(Vec::new(), |headers| {
                    headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect()
                });
                read.push(Read {
                    partition: message.partition() as u32,
                    offset: message.offset() as u64,
                    key: text(message.key()),
                    payload: message.payload().map(<[u8]>::to_vec),
                    headers,
                });
            }
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            other => {
                assert!(newest.elapsed() < LIMIT, "{topic} is not read to its end: {other:?}");
            }
        }
    }
    read.sort_by_key(|record| (record.partition, record.offset));
    read
}

/// Whether the broker has such a topic.
pub(super) fn exists(topic: &str) -> bool {
    let metadata = consumer("read_committed", "reader").fetch_metadata(None, LIMIT).unwrap();
    metadata.topics().iter().any(|found| found.name() == topic)
}

/// Offsets behind the newest records of a topic, control records included.
pub(super) fn ends(topic: &str) -> Vec<i64> {
    ends_as(topic, "read_uncommitted")
}

/// Offsets behind the newest records of a topic that no open transaction holds back.
pub(super) fn stable_ends(topic: &str) -> Vec<i64> {
    ends_as(topic, "read_committed")
}

fn ends_as(topic: &str, isolation: &str) -> Vec<i64> {
    let consumer = consumer(isolation, "reader");
    let end = |partition: i32| {
        // A topic that has just been created, or whose broker has just come back, is not everywhere known yet.
        let began = Instant::now();
        loop {
            match consumer.fetch_watermarks(topic, partition, LIMIT) {
                Ok((_, end)) => break end,
                Err(error) => assert!(began.elapsed() < LIMIT, "{topic}: {error}"),
            }
        }
    };
    (0..partitions(&consumer, topic) as i32).map(end).collect()
}

/// The group's committed offsets of a topic; -1 where there is none.
pub(super) fn committed(group: &str, topic: &str) -> Vec<i64> {
    let consumer = consumer("read_committed", group);
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions(&consumer, topic) {
        list.add_partition(topic, partition as i32);
    }
    // A coordinator that has just started refuses for a while.
    let began = Instant::now();
    let list = loop {
        match consumer.committed_offsets(list.clone(), LIMIT) {
            Ok(list) => break list,
            Err(error) => assert!(began.elapsed() < LIMIT, "{error}"),
        }
    };
    list.elements()
        .iter()
        .map(|element| match element.offset() {
            Offset::Offset(offset) => offset,
            _ => -1,
        })
        .collect()
}
