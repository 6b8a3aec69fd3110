//! What can be set.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::lane::Emit;

/// What a committed prediction promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Predictions and offsets in one transaction: each once, for readers with `isolation.level=read_committed`.
    #[default]
    ExactlyOnce,
    /// Predictions first, offsets after: a crash, or an owner that lost its partitions without knowing, repeats some.
    /// The header `src` tells repeats apart.
    AtLeastOnce,
}

/// Where a group without committed offsets begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record.
    #[default]
    Earliest,
    /// Behind the newest record.
    Latest,
}

/// How the lanes work.
#[derive(Clone, Debug, PartialEq)]
pub struct KafkaSettings {
    /// `host:port,host:port`.
    pub bootstrap_servers: String,
    /// Ticks come from here.
    pub topic_raw: String,
    /// Predictions go here, to the same partition number.
    pub topic_predictions: String,
    /// What could not be read goes here.
    pub topic_dlq: String,
    /// State goes here, to the same partition number; compacted.
    pub topic_snapshots: String,
    /// Who owns which partition goes here; compacted, one partition.
    pub topic_owners: String,
    /// Which model scores which partition goes here; compacted, one partition.
    pub topic_models: String,
    /// What happens goes here; one partition.
    pub topic_events: String,
    /// Where other instances find this one's front, `http://host:port`.
    pub advertised_url: String,
    /// The consumer group.
    pub group: String,
    /// Names this process among the group's; stable over restarts.
    pub instance: String,
    /// Lanes of this process.
    pub lanes: usize,
    /// Partitions of topics that are created.
    pub partitions: u32,
    /// Whether absent topics are created.
    pub create_topics: bool,
    /// Where a new group begins.
    pub start: Start,
    /// What a committed prediction promises.
    pub delivery: Delivery,
    /// Which predictions are written.
    pub emit: Emit,
    /// Time from a transaction's first record to its commit.
    pub commit_interval: Duration,
    /// Every symbol's state is written at least this often, while commits go on.
    pub snapshot_interval: Duration,
    /// Where a copy of the state is kept in files, if anywhere.
    pub state_directory: Option<PathBuf>,
    /// A member that is silent for longer loses its partitions.
    pub session_timeout: Duration,
    /// A transaction that is open for longer is given up by the broker.
    pub transaction_timeout: Duration,
    /// The venue of records that name none.
    pub venue: String,
    /// Further properties of librdkafka, for all clients: TLS, SASL.
    pub properties: BTreeMap<String, String>,
}

impl KafkaSettings {
    /// The defaults for a broker.
    pub fn new(bootstrap_servers: &str, instance: &str, venue: &str) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.to_owned(),
            topic_raw: "ticks.raw".to_owned(),
            topic_predictions: "predictions".to_owned(),
            topic_dlq: "ticks.dlq".to_owned(),
            topic_snapshots: "engine.snapshots".to_owned(),
            topic_owners: "engine.owners".to_owned(),
            topic_models: "engine.models".to_owned(),
            topic_events: "engine.events".to_owned(),
            advertised_url: String::new(),
            group: "stormglass".to_owned(),
            instance: instance.to_owned(),
            lanes: 1,
            partitions: 12,
            create_topics: true,
            start: Start::Earliest,
            delivery: Delivery::ExactlyOnce,
            emit: Emit::EveryTick,
            commit_interval: Duration::from_millis(100),
            snapshot_interval: Duration::from_secs(30),
            state_directory: None,
            session_timeout: Duration::from_secs(10),
            transaction_timeout: Duration::from_secs(10),
            venue: venue.to_owned(),
            properties: BTreeMap::new(),
        }
    }

    /// The member's name in the group, and the producer's at the transaction coordinator.
    pub(super) fn member(&self, lane: usize) -> String {
        format!("{}-{}-{lane}", self.group, self.instance)
    }
}
