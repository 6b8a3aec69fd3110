//! Do records have times that are ahead of this machine's clock?

use super::kafka_bootstrap::Broker;
use crate::doctor::finding::Finding;

pub(super) fn check(broker: &Broker) -> Vec<Finding> {
    let (ahead, topic) = (&broker.report.ahead, &broker.settings.topic_raw);
    if broker.report.ticks.is_empty() {
        return vec![Finding::skipped(format!("{topic} does not exist yet"))];
    }
    if ahead.is_empty() {
        return vec![Finding::ok(format!("no record of {topic} is of a time ahead of this clock"))];
    }
    vec![Finding::warning(
        format!("partitions {ahead:?} of {topic} have records of a time more than 5 s ahead of this clock"),
        "run a time service (chrony, systemd-timesyncd) here and at the producer; recordings that were shifted into the \
         future look the same",
    )]
}
