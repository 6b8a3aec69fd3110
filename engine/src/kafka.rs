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
//! Map: [`settings`] what can be set; `client` the clients; `topics` created or checked; `lane` the thread and its
//! turns; `poll` records to orders; `partition` what the lane knows of one it owns; `progress` what a commit says
//! beside the offset; `snapshots` state in the compacted topic, `state_files` its copy on this machine; `restore` from
//! an assignment to live; `transaction` output and how it ends; `dead_letter` what could not be read; `replay` recorded
//! ticks to a topic. For all instances: `owners` who has which partition, `models` what scores it, `events` what
//! happened.

mod client;
mod dead_letter;
mod events;
mod lane;
mod models;
mod owners;
mod partition;
mod poll;
mod progress;
mod replay;
mod restore;
pub mod settings;
mod snapshots;
mod state_files;
mod topics;
mod transaction;

pub use events::write_events;
pub use lane::{LaneEnd, run_lane};
pub use owners::watch_owners;
pub use replay::{ReplayCounts, ReplayError, TopicSink};
pub use settings::{Delivery, KafkaSettings, Start};
