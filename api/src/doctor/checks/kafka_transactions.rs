//! Does an unfinished transaction keep readers of committed records from new ones?

use super::kafka_bootstrap::Broker;
use crate::doctor::finding::Finding;

pub(super) fn check(broker: &Broker) -> Vec<Finding> {
    let held_back = &broker.report.held_back;
    if held_back.is_empty() {
        return vec![Finding::ok("readers of committed records see predictions and snapshots to their ends")];
    }
    held_back
        .iter()
        .map(|((topic, partition), records)| {
            Finding::warning(
                format!("{records} records of {topic}, partition {partition}, wait behind a transaction that does not end"),
                format!(
                    "its owner is gone or stands still; the broker gives it up after kafka.transaction_timeout_s ({} s). If \
                     it stays, another producer's does: `kafka-transactions --find-hanging` names it",
                    broker.settings.transaction_timeout_s.get()
                ),
            )
        })
        .collect()
}
