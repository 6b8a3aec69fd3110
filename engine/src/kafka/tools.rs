//! Commands on topics.
//!
//! Map: `backup` records a topic into files; `resend` writes recorded records back as they were; `replay` writes
//! recorded ticks to a topic; `rekey` copies a topic with the symbol as key; `letters` lists and retries dead letters;
//! `look` reports on a broker without joining the group; `topic_log` reads a topic as a log; `retention` the time for
//! which a topic keeps its records; `confirmed` a producer that counts confirmed deliveries.

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
