//! Reads how long a topic keeps records. Kafka compares the records' own times, so old recordings written today with
//! their old times may be deleted within minutes.

use std::time::Duration;

use rdkafka::admin::{AdminOptions, ResourceSpecifier};

use crate::kafka::{admin, settings::KafkaSettings};

const TIMEOUT: Duration = Duration::from_secs(10);

/// The topic's `retention.ms`; `None` if it keeps all records, does not exist, or the broker does not answer.
pub fn topic_retention(settings: &KafkaSettings, topic: &str) -> Option<Duration> {
    let admin = admin::admin(settings).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
    let topic = ResourceSpecifier::Topic(topic);
    let described = runtime.block_on(admin.describe_configs([&topic], &options)).ok()?.pop()?.ok()?;
    let retention_ms = described.get("retention.ms")?.value.as_deref()?.parse().ok()?;
    Some(Duration::from_millis(retention_ms))
}
