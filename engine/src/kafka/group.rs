//! What the instances of a group tell each other, by topics that all of them read.
//!
//! Map: `claim` whose the name of a lane is; `owners` who has which partition, and where its front is; `models` which model
//! scores a partition; `events` what happened, for people.

pub(super) mod claim;
mod events;
pub(super) mod models;
pub(super) mod owners;

pub use events::write_events;
pub use owners::watch_owners;
