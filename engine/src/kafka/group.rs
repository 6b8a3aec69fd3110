//! Topics through which the instances of a group inform each other; every instance reads all of them.
//!
//! Map: `claim` which process may use a lane's name; `owners` the owner of each partition and the address of its front;
//! `models` the model of each partition; `events` events for people.

pub(super) mod claim;
mod events;
pub(super) mod models;
pub(super) mod owners;

pub use events::write_events;
pub use owners::watch_owners;
