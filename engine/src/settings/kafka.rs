//! `[kafka]`: topics, the group, and how the lanes commit.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Seconds, at_most, positive, unset};
use crate::{
    intake::{RecordFormat, RecordRules},
    limits::PARTITIONS_MAX,
};

/// Most lanes in one process. Beyond this, more processes serve better than more lanes.
const LANES_MAX: usize = 64;

/// The guarantee for committed predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Predictions and offsets are committed in one transaction, so each prediction appears once to readers with
    /// `isolation.level=read_committed`.
    #[default]
    ExactlyOnce,
    /// Predictions are written before their offsets: a crash, or an owner that lost its partitions without noticing,
    /// writes some again. The header `src` identifies repeats.
    AtLeastOnce,
}

/// Selects the predictions that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Emit {
    /// One for each accepted tick.
    #[default]
    EveryTick,
    /// The first of each second of a symbol's event time.
    #[serde(rename = "1s")]
    EverySecond,
    /// Those with `spike` true.
    Spikes,
}

/// Selects the first offset of a group without committed offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// The oldest record.
    #[default]
    Earliest,
    /// The offset after the newest record.
    Latest,
}

/// How the HTTP front handles a request for a symbol that another instance owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForeignSymbols {
    /// It asks the owner, one hop away, and returns the owner's answer.
    #[default]
    Forward,
    /// It redirects the client to the owner (307).
    Redirect,
}

/// Settings of the lanes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaSettings {
    /// `host:port,host:port`; empty = Kafka is not used.
    pub bootstrap_servers: String,
    /// Topic that ticks are read from.
    pub topic_raw: String,
    /// Topic that predictions are written to, each to the partition number of its tick.
    pub topic_predictions: String,
    /// Topic for records that could not be read (dead letters).
    pub topic_dlq: String,
    /// Topic for snapshots of states; compacted, with as many partitions as `topic_raw`.
    pub topic_snapshots: String,
    /// Topic with the owner of each partition; compacted, one partition.
    pub topic_owners: String,
    /// Topic with the model of each partition; compacted, one partition.
    pub topic_models: String,
    /// Topic for events of all instances; one partition.
    pub topic_events: String,
    /// How the front handles requests for symbols of other instances; the lanes do not read it.
    pub foreign_symbols: ForeignSymbols,
    /// The consumer group.
    pub group: String,
    /// This process's name in the group, the same at every start. Empty = the host's name, which the code that starts
    /// the lanes fills in.
    pub instance: String,
    /// Members of the group in this process; each runs on its own thread.
    pub lanes: usize,
    /// Partition count of topics that this process creates.
    pub partitions: u32,
    /// Whether absent topics are created; otherwise they are an error.
    pub create_topics: bool,
    /// The first offset of a group without committed offsets.
    pub start: Start,
    /// The guarantee for committed predictions.
    pub delivery: Delivery,
    /// The predictions that are written.
    pub emit: Emit,
    /// Milliseconds from a transaction's first record to its commit.
    pub commit_interval_ms: u64,
    /// Every symbol's state is written within this time, while commits go on.
    pub snapshot_interval_s: Seconds,
    /// Folder for a copy of the state, which a restart on this machine reads first.
    #[serde(with = "unset")]
    pub state_directory: Option<PathBuf>,
    /// A member that is silent for longer than this loses its partitions.
    pub session_timeout_s: Seconds,
    /// The broker aborts a transaction that is open for longer than this.
    pub transaction_timeout_s: Seconds,
    /// Further properties of librdkafka, for all clients: TLS, SASL.
    pub properties: BTreeMap<String, String>,
    /// URL of this instance's front for other instances, `http://host:port`. Not a key here: it is set once the front
    /// listens.
    #[serde(skip)]
    pub advertised_url: String,
    /// How records are read. Not a key here: the source's settings say it.
    #[serde(skip)]
    pub records: RecordRules,
}

impl Default for KafkaSettings {
    fn default() -> Self {
        Self {
            bootstrap_servers: String::new(),
            topic_raw: "ticks.raw".to_owned(),
            topic_predictions: "predictions".to_owned(),
            topic_dlq: "ticks.dlq".to_owned(),
            topic_snapshots: "engine.snapshots".to_owned(),
            topic_owners: "engine.owners".to_owned(),
            topic_models: "engine.models".to_owned(),
            topic_events: "engine.events".to_owned(),
            foreign_symbols: ForeignSymbols::Forward,
            group: "stormglass".to_owned(),
            instance: String::new(),
            lanes: 1,
            partitions: 12,
            create_topics: true,
            start: Start::Earliest,
            delivery: Delivery::ExactlyOnce,
            emit: Emit::EveryTick,
            commit_interval_ms: 100,
            snapshot_interval_s: Seconds::whole(30),
            state_directory: None,
            session_timeout_s: Seconds::whole(10),
            transaction_timeout_s: Seconds::whole(10),
            properties: BTreeMap::new(),
            advertised_url: String::new(),
            records: RecordRules::default(),
        }
    }
}

impl KafkaSettings {
    /// The default settings for these brokers, instance and venue.
    pub fn new(bootstrap_servers: &str, instance: &str, venue: &str) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.to_owned(),
            instance: instance.to_owned(),
            records: RecordRules { format: RecordFormat::json(venue.to_owned()), ..RecordRules::default() },
            ..Self::default()
        }
    }

    /// Whether any broker is configured.
    pub fn has_brokers(&self) -> bool {
        !self.bootstrap_servers.is_empty()
    }

    /// Checks the bounds. Properties that only librdkafka or a broker can judge are not checked here.
    ///
    /// # Errors
    /// The first key outside its bounds, and what to do; never the value of a property.
    pub fn check(&self) -> Result<(), String> {
        positive("kafka.lanes", self.lanes as f64)?;
        at_most("kafka.lanes", self.lanes, LANES_MAX)?;
        positive("kafka.partitions", f64::from(self.partitions))?;
        at_most("kafka.partitions", self.partitions as usize, PARTITIONS_MAX as usize)?;
        positive("kafka.commit_interval_ms", self.commit_interval_ms as f64)?;
        positive("kafka.snapshot_interval_s", self.snapshot_interval_s.get())?;
        positive("kafka.session_timeout_s", self.session_timeout_s.get())?;
        positive("kafka.transaction_timeout_s", self.transaction_timeout_s.get())?;
        if self.commit_interval_ms as f64 >= self.transaction_timeout_s.get() * 500.0 {
            return Err("kafka.commit_interval_ms is more than half of kafka.transaction_timeout_s: the broker would \
                        give transactions up; make the timeout longer"
                .to_owned());
        }
        for (key, value) in [
            ("topic_raw", &self.topic_raw),
            ("topic_predictions", &self.topic_predictions),
            ("topic_dlq", &self.topic_dlq),
            ("topic_snapshots", &self.topic_snapshots),
            ("topic_owners", &self.topic_owners),
            ("topic_models", &self.topic_models),
            ("topic_events", &self.topic_events),
            ("group", &self.group),
        ] {
            if value.is_empty() {
                return Err(format!("kafka.{key} is empty; name it"));
            }
        }
        self.check_tokens()
    }

    /// Checks that OAUTHBEARER tokens come from a file, the only way that is built in.
    fn check_tokens(&self) -> Result<(), String> {
        let is = |name: &str, value: &str| {
            self.properties.get(name).is_some_and(|given| given.trim().eq_ignore_ascii_case(value))
        };
        if !is("sasl.mechanisms", "OAUTHBEARER") && !is("sasl.mechanism", "OAUTHBEARER") {
            return Ok(());
        }
        if is("sasl.oauthbearer.method", "oidc") {
            return Err("kafka.properties.sasl.oauthbearer.method is \"oidc\", which is not built in; keep a token in \
                        a file, and name that in sasl.oauthbearer.config: \"token_file=PATH\""
                .to_owned());
        }
        let config = self.properties.get("sasl.oauthbearer.config");
        if config.and_then(|config| config.strip_prefix("token_file=")).is_none_or(str::is_empty) {
            return Err(
                "kafka.properties.sasl.mechanisms is OAUTHBEARER, but sasl.oauthbearer.config does not name \
                        where the token is; write \"token_file=PATH\""
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Time from a transaction's first record to its commit.
    pub fn commit_interval(&self) -> Duration {
        Duration::from_millis(self.commit_interval_ms)
    }

    /// Name of a lane in the group, and of its producer at the transaction coordinator.
    #[cfg(feature = "kafka")]
    pub(crate) fn member(&self, lane: usize) -> String {
        format!("{}-{}-{lane}", self.group, self.instance)
    }
}
