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
//! Map: three rooms, and what they share.
//!
//! - `lane`: what moves ticks. A thread, its turns, its link to the shards, its transactions, its states.
//! - `group`: what the instances of a group tell each other. Who has which partition, which model scores it, whose the name
//!   of a lane is, what happened.
//! - `tools`: what the command line does with topics. Record, replay, rekey, letters, look.
//! - [`settings`]: what can be set; `client`: the clients; `refusal`: settings that librdkafka or a broker refuses; `topics`:
//!   topics that are created or checked; `admin`: the client that creates them; `oauth`: tokens that let the clients in.

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
