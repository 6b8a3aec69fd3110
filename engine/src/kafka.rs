//! Kafka in, Kafka out, exactly once.
//!
//! ```text
//!            poll          orders            answers           one transaction
//!  ticks.raw ----> lane ----------> shards ----------> lane -----------------------> predictions, ticks.dlq,
//!                   ^                       engine.snapshots, engine.owners, engine.models and the group's offsets
//!                   '--- at an assignment: committed offset, snapshots, silent replay, live
//! ```
//!
//! A lane is one thread, one group member, one transactional producer. It commits what it read and what came of
//! it in one transaction; state follows the committed offset: after any failure whose outcome is not known the lane
//! throws its clients away and begins again as a restarted process would, from the broker's word. So there is one way
//! to recover, and it is the one that a crash takes.
//!
//! Map: [`settings`](crate::settings) what can be set; `client` the clients, `refusal` settings that these or a broker refuse, `admin` the
//! client that makes topics, `oauth` tokens that let them in; `topics` created or checked; `claim` whose a lane's name is;
//! `lane` the thread and its turns; `link` to the shards; `partition` what the lane knows of one it owns; `progress`
//! what a commit says beside the offset; `topic_id` which log that offset is of; `snapshots` state in the compacted topic,
//! `state_files` its copy on this machine; `restore` from an assignment to live; `transaction` output and how it ends;
//! `dead_letter` what could not be read. For all instances: `owners` who has which partition, `models` what scores it,
//! `events` what happened.
//!
//! Beside the lanes, for the command line: `replay` recorded ticks to a topic, `resend` recorded records as they were;
//! `backup` a topic to files; `topic_log` a topic as a log that is read through; `rekey` a topic keyed by symbol;
//! `look` what a broker shows to one who only looks; `letters` the dead letters listed and retried; `confirmed` their producer; `retention` how
//! long a topic keeps what they write.

mod admin;
mod backup;
mod claim;
mod client;
mod confirmed;
mod dead_letter;
mod events;
mod lane;
mod letters;
mod link;
mod look;
mod models;
mod oauth;
mod owners;
mod partition;
mod progress;
mod refusal;
mod rekey;
mod replay;
mod resend;
mod restore;
mod retention;
mod snapshots;
mod state_files;
mod topic_id;
mod topic_log;
mod topics;
mod transaction;

pub use backup::{BackupCounts, BackupSettings, back_up};
pub use confirmed::Delivered;
pub use events::write_events;
pub use lane::{LaneEnd, run_lane};
pub use letters::{
    Letter, LetterCounts, LetterList, LetterReplay, LetterReplayCounts, list_letters, replay_letters,
};
pub use look::{BrokerAddress, BrokerReport, GroupReport, MemberReport, PartitionReport, TopicReport, look};
pub use owners::watch_owners;
pub use refusal::{Refusal, check_settings};
pub use rekey::{RekeyCounts, RekeySettings, rekey};
pub use replay::{ReplayCounts, ReplayError, TopicSink};
pub use resend::ResendSink;
pub use retention::topic_retention;
pub use state_files::kept_states;
pub use topic_log::{TopicLog, committed_offsets};

pub use crate::settings::{self, Delivery, KafkaSettings, Start};
