//! Do the topics exist, with equal numbers of partitions, and does each partition have a leader?

use super::kafka_bootstrap::Broker;
use crate::doctor::finding::Finding;

/// Topics that must have as many partitions as the topic of ticks: a prediction and a snapshot are in the partition
/// with the number of their tick's.
const EQUALLY_PARTITIONED: [&str; 2] = ["kafka.topic_predictions", "kafka.topic_snapshots"];

pub(super) fn check(broker: &Broker) -> Vec<Finding> {
    let (topics, settings) = (&broker.report.topics, &broker.settings);
    let raw = topics.iter().find(|topic| topic.name == settings.topic_raw).and_then(|topic| topic.partitions);
    let mut found = Vec::new();
    for topic in topics {
        let (name, key) = (&topic.name, topic.key);
        match (topic.partitions, raw) {
            (None, _) if topic.is_hidden => found.push(Finding::failed(
                format!("{name} ({key}) is absent, or this user may not see it"),
                "give the user DESCRIBE, READ and WRITE on it, or create it",
            )),
            (None, _) if settings.create_topics => {
                found.push(Finding::ok(format!("{name} ({key}) does not exist; the engine will create it")));
            }
            (None, _) => found.push(Finding::failed(
                format!("{name} ({key}) does not exist, and kafka.create_topics is false"),
                "create it, or fix the name, or set kafka.create_topics = true",
            )),
            (Some(has), Some(wanted)) if has != wanted && EQUALLY_PARTITIONED.contains(&key) => {
                found.push(Finding::failed(
                    format!("{name} ({key}) has {has} partitions and {} has {wanted}: nothing is scored", settings.topic_raw),
                    "give the smaller one more partitions (kafka-topics --alter --partitions); moving to fewer needs new topics",
                ));
            }
            _ => {}
        }
        if topic.leaderless > 0 {
            found.push(Finding::failed(
                format!(
                    "{} partitions of {name} have no leader: nothing can be read or written there",
                    topic.leaderless
                ),
                "start the brokers that have their copies",
            ));
        }
        if topic.under_replicated > 0 {
            found.push(Finding::warning(
                format!("{} partitions of {name} have a copy that lags behind", topic.under_replicated),
                "look at the brokers: one is away or slow, and the next loss may stop writes",
            ));
        }
    }
    if found.iter().all(|finding| finding.fix.is_none())
        && let Some(partitions) = raw
    {
        found.push(Finding::ok(format!(
            "{}: {partitions} partitions; predictions and snapshots have as many",
            settings.topic_raw
        )));
    }
    found
}
