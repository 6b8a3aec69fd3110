//! Stories: what users and their tools can rely on. One binary; a module for each suite of `tests/run.sh`.

#![allow(clippy::unwrap_used)]

mod columns;
mod container;
#[cfg(all(feature = "drift", feature = "kafka", feature = "learn", feature = "parquet"))]
mod documents;
#[cfg(all(feature = "drift", feature = "parquet"))]
mod drift;
#[cfg(all(feature = "learn", feature = "parquet"))]
mod evaluate;
mod feeds;
mod http;
mod imports;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "learn")]
mod learn;
#[cfg(feature = "live")]
mod live;
mod models;
mod page;
mod quality;
mod runtime;
mod shards;
mod support;
#[cfg(all(feature = "learn", feature = "parquet"))]
mod table;
