//! Counts and health of the lanes. A lane is one member of a consumer group; the feature `kafka` provides lanes that
//! read Kafka topics. This module exists without the feature too, so that a front end reads the same counts, all 0.

mod metrics;
mod report;

pub use metrics::{LaneMetrics, TransactionOutcome};
pub use report::{LaneReport, Verdict};
