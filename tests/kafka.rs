//! Kafka: each prediction exactly once, with the very bytes, whatever breaks. On a real broker, which
//! `tests/run.sh kafka` starts; without one these tests fail.
//!
//! Each story writes ticks, hurts somebody meanwhile, and then asks two who do not know of each other: a reader of
//! committed records, and an oracle that scores the same log on one thread. They must agree on every record.

mod broker;
mod cluster;
mod crash;
mod doctor;
mod gaps;
mod kept;
mod mapping;
mod market;
mod members;
mod modes;
mod names;
mod oracle;
mod outage;
mod owners;
mod poison;
mod producers;
mod reader;
mod recreated;
mod refused;
mod restored;
mod rights;
#[cfg(feature = "schema-registry")]
mod schemas;
mod secure;
mod state;
mod stuck;
mod tools;
mod world;
