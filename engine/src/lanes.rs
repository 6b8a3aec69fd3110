//! What the lanes of a log count and report. A lane is one member of a consumer group; with the feature `kafka` there are
//! lanes of Kafka topics. This module is there without the feature too, so that a front end reads the same counts, all 0.

mod metrics;
mod report;

pub use metrics::{LaneMetrics, TransactionOutcome};
pub use report::{LaneReport, Verdict};
