//! Kafka in, Kafka out, exactly once.
//!
//! ```text
//!            poll          orders            answers           one transaction
//!  ticks.raw ----> lane ----------> shards ----------> lane -----------------------> predictions, ticks.dlq,
//!                   ^                       engine.snapshots, engine.owners, engine.models and the group's offsets
//!                   '--- at an assignment: committed offset, snapshots, silent replay, live
//! ```
//!
//! A lane is one thread, one group member and one transactional producer. It commits the offsets it read and the
//! predictions made from them in one transaction, and the state follows the committed offset. After a failure whose
//! outcome is unknown the lane drops its clients and starts again from what the broker has committed, as a restarted
//! process would. So there is one way to recover, and a crash uses the same one.
//!
//! Map:
//!
//! - `lane`: reads ticks and writes predictions. The thread, its turns, its link to the shards, its transactions, its
//!   states.
//! - `group`: the topics through which instances of a group inform each other: partition owners, the model of each
//!   partition, claims to lane names, events.
//! - `tools`: commands on topics: record, replay, rekey, dead letters, look.
//! - [`settings`]: the keys of `[kafka]`; `client`: consumers and producers; `refusal`: settings that librdkafka or a
//!   broker refuses; `topics`: creates or checks topics; `admin`: the client that creates them; `oauth`:
//!   authentication tokens.

mod admin;
mod client;
mod group;
mod lane;
mod oauth;
mod refusal;
mod tools;
mod topics;

pub use group::{watch_owners, write_events};
pub use lane::{LaneEnd, kept_states, run_lane};
pub use refusal::{Refusal, check_settings};
pub use tools::{
    BackupCounts, BackupSettings, BrokerAddress, BrokerReport, Delivered, GroupReport, Letter, LetterCounts,
    LetterList, LetterReplay, LetterReplayCounts, MemberReport, PartitionReport, RekeyCounts, RekeySettings,
    ReplayCounts, ReplayError, ResendSink, TopicLog, TopicReport, TopicSink, back_up, committed_offsets,
    list_letters, look, rekey, replay_letters, topic_retention,
};

pub use crate::settings::{self, Delivery, KafkaSettings, Start};
