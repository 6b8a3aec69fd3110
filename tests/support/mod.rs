//! The harness: a service over a shard that the test controls, and a client that speaks raw sockets.

pub(crate) mod client;
pub(crate) mod fixtures;
pub(crate) mod full_disk;
pub(crate) mod not_run;
pub(crate) mod process;
pub(crate) mod python;
pub(crate) mod real_data;
#[cfg(all(feature = "kafka", feature = "schema-registry"))]
pub(crate) mod schema_registry;
pub(crate) mod service;
pub(crate) mod shard;
pub(crate) mod states;
