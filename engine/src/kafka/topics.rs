//! Creates absent topics and checks the partition counts of existing ones.

use std::time::Duration;

use rdkafka::{
    admin::{AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    metadata::MetadataTopic,
    types::{RDKafkaErrorCode, RDKafkaRespErr},
};

use crate::{
    kafka::{
        admin,
        client::{self, ReaderContext},
        settings::KafkaSettings,
    },
    limits::PARTITIONS_MAX,
};

const TIMEOUT: Duration = Duration::from_secs(5);
/// Most requests for metadata until they show a created topic.
const LOOKS_MAX: usize = 50;

/// The reason why the topics cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum TopicsError {
    #[error("topic {0:?} does not exist, and kafka.create_topics is false; create it")]
    Absent(String),
    #[error("{}", hidden(.0))]
    Hidden(String),
    #[error(
        "topic {topic:?} has {has} partitions and {raw:?} has {wanted}; a prediction goes to the partition number of its \
         tick: give both the same number"
    )]
    Partitions { topic: String, has: usize, raw: String, wanted: usize },
    #[error("topic {topic:?} has {has} partitions; at most {PARTITIONS_MAX} are served")]
    TooMany { topic: String, has: usize },
    #[error("topic {topic:?} could not be created: {reason}")]
    NotCreated { topic: String, reason: String },
    #[error("the broker refuses the connection; check kafka.properties: {0}")]
    Refused(String),
    #[error("the broker did not answer: {0}")]
    Kafka(#[from] KafkaError),
}

impl TopicsError {
    /// Whether a retry may succeed without anybody's help.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Kafka(_))
    }

    /// Whether a broker that accepts this client gave the reason.
    pub(super) fn is_answer(&self) -> bool {
        !matches!(self, Self::Kafka(_) | Self::Refused(_))
    }
}

/// Partition counts of the topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TopicCounts {
    /// Partition count of each of the topics of ticks, predictions and snapshots.
    pub(super) partitions: u32,
    pub(super) dlq_partitions: i32,
}

/// The client that reads the broker's metadata.
type Looker = BaseConsumer<ReaderContext>;

/// Creates absent topics and checks that the partition counts agree.
pub(super) fn prepare(settings: &KafkaSettings) -> Result<TopicCounts, TopicsError> {
    let reader = client::reader(settings)?;
    prepare_by(&reader, settings).map_err(|error| {
        // The error that a broker sends before it closes the connection is returned by a poll.
        while reader.poll(Duration::ZERO).is_some() {}
        match reader.context().refusal() {
            Some(refusal) if error.is_passing() => TopicsError::Refused(refusal),
            _ => error,
        }
    })
}

fn prepare_by(reader: &Looker, settings: &KafkaSettings) -> Result<TopicCounts, TopicsError> {
    let wanted = match count(reader, &settings.topic_raw)? {
        Some(has) => has,
        None => create(reader, settings, &settings.topic_raw, settings.partitions as usize, &[])?,
    };
    if wanted > PARTITIONS_MAX as usize {
        return Err(TopicsError::TooMany { topic: settings.topic_raw.clone(), has: wanted });
    }
    let compacted = [
        ("cleanup.policy", "compact"),
        ("segment.bytes", "33554432"),
        ("segment.ms", "600000"),
        ("min.cleanable.dirty.ratio", "0.2"),
        ("delete.retention.ms", "60000"),
    ];
    for (topic, options) in
        [(&settings.topic_predictions, &[][..]), (&settings.topic_snapshots, &compacted[..])]
    {
        let has = match count(reader, topic)? {
            Some(has) => has,
            None => create(reader, settings, topic, wanted, options)?,
        };
        if has != wanted {
            let (topic, raw) = (topic.clone(), settings.topic_raw.clone());
            return Err(TopicsError::Partitions { topic, has, raw, wanted });
        }
    }
    // Only partition 0 is used.
    for (topic, options) in [
        (&settings.topic_owners, &compacted[..]),
        (&settings.topic_models, &compacted[..]),
        (&settings.topic_events, &[][..]),
    ] {
        if count(reader, topic)?.is_none() {
            create(reader, settings, topic, 1, options)?;
        }
    }
    let dlq = match count(reader, &settings.topic_dlq)? {
        Some(has) => has,
        None => create(reader, settings, &settings.topic_dlq, 1, &[])?,
    };
    Ok(TopicCounts { partitions: wanted as u32, dlq_partitions: dlq as i32 })
}

/// Partition count of a topic, which is created with `partitions` if it is absent.
pub(super) fn ensure(
    reader: &Looker,
    settings: &KafkaSettings,
    topic: &str,
    partitions: usize,
    options: &[(&str, &str)],
) -> Result<usize, TopicsError> {
    match count(reader, topic)? {
        Some(has) => Ok(has),
        None => create(reader, settings, topic, partitions, options),
    }
}

/// Partition count of a topic; `None` if it does not exist.
fn count(reader: &Looker, topic: &str) -> Result<Option<usize>, TopicsError> {
    let metadata = reader.fetch_metadata(Some(topic), TIMEOUT)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    if found.is_some_and(is_hidden) {
        return Err(TopicsError::Hidden(topic.to_owned()));
    }
    Ok(found.map(|found| found.partitions().len()).filter(|&count| count > 0))
}

/// Whether this user lacks DESCRIBE on the topic. A broker then does not say whether it exists.
pub(super) fn is_hidden(topic: &MetadataTopic) -> bool {
    topic.error() == Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
}

/// The error text for a hidden topic, with the rights to grant.
pub(super) fn hidden(topic: &str) -> String {
    format!(
        "topic {topic:?} is absent, or this user may not see it: give the user DESCRIBE, READ and WRITE on it, or create it"
    )
}

fn create(
    reader: &Looker,
    settings: &KafkaSettings,
    topic: &str,
    partitions: usize,
    options: &[(&str, &str)],
) -> Result<usize, TopicsError> {
    if !settings.create_topics {
        return Err(TopicsError::Absent(topic.to_owned()));
    }
    let not_created = |reason: String| TopicsError::NotCreated { topic: topic.to_owned(), reason };
    // -1 is the broker's own default.
    let mut new = NewTopic::new(topic, partitions as i32, TopicReplication::Fixed(-1));
    for (name, value) in options {
        new = new.set(name, value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| not_created(error.to_string()))?;
    let admin = admin::admin(settings)?;
    let created = runtime.block_on(admin.create_topics([&new], &AdminOptions::new()))?;
    for result in created {
        match result {
            // Another instance created it first.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(not_created(code.to_string())),
        }
    }
    tracing::info!(topic, partitions, "topic created");
    for _ in 0..LOOKS_MAX {
        if let Some(has) = count(reader, topic)? {
            return Ok(has);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(not_created("it is not in the broker's metadata yet".to_owned()))
}
