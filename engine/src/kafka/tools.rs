//! What the command line does with topics.
//!
//! Map: `backup` a topic to files; `resend` recorded records back to a topic, as they were; `replay` recorded ticks to a
//! topic; `rekey` a topic keyed by symbol; `letters` the dead letters listed and retried; `look` what a broker shows to
//! one who only looks; `topic_log` a topic as a log that is read through; `retention` how long a topic keeps its records;
//! `confirmed` a producer that counts what the broker has confirmed.

mod backup;
mod confirmed;
mod letters;
mod look;
mod rekey;
mod replay;
mod resend;
mod retention;
pub(super) mod topic_log;

pub use backup::{BackupCounts, BackupSettings, back_up};
pub use confirmed::Delivered;
pub use letters::{
    Letter, LetterCounts, LetterList, LetterReplay, LetterReplayCounts, list_letters, replay_letters,
};
pub use look::{BrokerAddress, BrokerReport, GroupReport, MemberReport, PartitionReport, TopicReport, look};
pub use rekey::{RekeyCounts, RekeySettings, rekey};
pub use replay::{ReplayCounts, ReplayError, TopicSink};
pub use resend::ResendSink;
pub use retention::topic_retention;
pub use topic_log::{TopicLog, committed_offsets};
