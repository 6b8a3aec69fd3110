//! The broker: `KAFKA_BOOTSTRAP_SERVERS`, and what is asked of it.

use std::time::Duration;

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    types::RDKafkaErrorCode,
};

use crate::Result;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Settings that every client of the benchmark has.
pub(crate) fn config() -> Result<ClientConfig> {
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS")
        .map_err(|_| "KAFKA_BOOTSTRAP_SERVERS is not set; run.sh sets it")?;
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers).set("allow.auto.create.topics", "false");
    Ok(config)
}

/// Creates a topic, if it is not there, and waits until it is known.
pub(crate) fn create(topic: &str, partitions: i32) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = config()?.create()?;
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for created in runtime.block_on(admin.create_topics([&new], &AdminOptions::new()))? {
        match created {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(format!("topic {topic} was not created: {code}").into()),
        }
    }
    let reader = reader("read_uncommitted")?;
    while partition_count(&reader, topic)? == 0 {
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// A consumer of its own, in no group, that says where partitions end.
pub(crate) fn reader(isolation: &str) -> Result<BaseConsumer> {
    let mut config = config()?;
    config
        .set("group.id", "kafka-bench-reader")
        .set("isolation.level", isolation)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "100")
        .set("fetch.queue.backoff.ms", "2");
    Ok(config.create()?)
}

/// Partitions of a topic; 0 where it does not exist.
pub(crate) fn partition_count(reader: &BaseConsumer, topic: &str) -> Result<usize> {
    let metadata = reader.fetch_metadata(Some(topic), TIMEOUT)?;
    Ok(metadata.topics().first().map_or(0, |topic| topic.partitions().len()))
}

/// The offset behind the newest record of each partition.
pub(crate) fn ends(reader: &BaseConsumer, topic: &str) -> Result<Vec<i64>> {
    (0..partition_count(reader, topic)?)
        .map(|partition| Ok(reader.fetch_watermarks(topic, partition as i32, TIMEOUT)?.1))
        .collect()
}

/// All partitions of a topic at these offsets.
pub(crate) fn positions(topic: &str, offsets: &[i64]) -> Result<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (partition, &offset) in offsets.iter().enumerate() {
        list.add_partition_offset(topic, partition as i32, Offset::Offset(offset))?;
    }
    Ok(list)
}

/// Asks how far a group is with a topic.
pub(crate) struct Progress {
    group: BaseConsumer,
    list: TopicPartitionList,
}

impl Progress {
    pub(crate) fn new(group: &str, topic: &str) -> Result<Self> {
        // What is committed, without waiting for what is being committed.
        let group: BaseConsumer =
            config()?.set("group.id", group).set("isolation.level", "read_uncommitted").create()?;
        let mut list = TopicPartitionList::new();
        for partition in 0..partition_count(&group, topic)? {
            list.add_partition(topic, partition as i32);
        }
        Ok(Self { group, list })
    }

    /// By partition, the committed offset; 0 where there is none.
    pub(crate) fn committed(&self) -> Result<Vec<i64>> {
        let list = self.group.committed_offsets(self.list.clone(), TIMEOUT)?;
        let offset = |offset| if let Offset::Offset(offset) = offset { offset } else { 0 };
        Ok(list.elements().iter().map(|element| offset(element.offset())).collect())
    }
}
