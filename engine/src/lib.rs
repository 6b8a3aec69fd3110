//! How a tick becomes a prediction.
//!
//! ```text
//!  source -> decode -> ingest -> mailbox -> shard: state -> features -> scoring -> prediction -> board, replies
//! ```
//!
//! - A [`source`] reads records on a thread of its own; [`decode`] turns bytes into [`tick`]s, integers only.
//! - A [`symbol`] is `venue:product`; its partition is where the log holds its records.
//! - [`ingest`] finds the shard that owns the partition ([`route`]) and hands it batches through its [`mailbox`].
//! - A [`shard`] owns all state of its symbols; [`runtime`] decides when it steps, [`cpu`] and [`sys`] on which CPU.
//! - A symbol's [`state`] keeps its standing [`book`], exact [`window`]s over event time and sums that [`decay`];
//!   [`features`] makes a row of them, and [`volatility`] a forecast.
//! - [`scoring`] is by the loaded model ([`bound_model`]), changed by the symbol's own outcomes if [`feedback`] is on.
//!   A [`prediction`] is the result with its JSON; [`quality`] says how good the predictions turned out to be.
//! - [`board`] holds the newest predictions for the live stream, [`events`] the newest events; [`snapshot`] is a
//!   symbol's state as bytes.
//! - [`handle`] asks the shards on behalf of a front end; [`owners`] says which process has the other partitions;
//!   [`Engine`] starts and stops the whole; [`metrics`] counts.
//!
//! A [`lane`] is how a log of partitions drives shards and takes their predictions back; `kafka` has the one there is.
//!
//! [`offline`] drives the same core on the caller's thread; [`grid`] collects labelled rows from it; [`sim`] makes up
//! a market. [`recording`] keeps a log in files, and [`verify`] computes what it led to once more.
//!
//! # What always holds
//! - State is a function of the symbol's own ticks: not of the wall clock, the shard, the process or another symbol.
//! - The same ticks give the same bytes with any number of shards, on any runtime, live or offline.
//! - Sums are integers and equal their recomputation; "no value" is NaN in a row and a variant everywhere else.
//! - Every queue, table and record has a bound in [`limits`], and "full" has a named answer.
//!
//! # What is absent
//! HTTP, parquet, configuration files, environment and signals (they are `api`'s); locks and `dyn` on the tick path;
//! a second clock.

pub mod board;
pub mod book;
pub mod bound_model;
pub mod cpu;
pub mod decay;
pub mod decode;
pub mod encode;
mod engine;
pub mod events;
pub mod features;
pub mod feedback;
pub mod file_writes;
pub mod grid;
pub mod handle;
pub mod ingest;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod lane;
pub mod limits;
pub mod mailbox;
pub mod message;
pub mod metrics;
pub mod offline;
pub mod owners;
pub mod prediction;
pub mod quality;
pub mod recording;
pub mod route;
pub mod runtime;
pub mod scoring;
pub mod settings;
pub mod shard;
pub mod sim;
pub mod snapshot;
pub mod source;
pub mod state;
pub mod symbol;
pub mod sys;
pub mod tick;
pub mod verify;
pub mod volatility;
pub mod window;

pub use engine::{Engine, EngineSettings, StartError};
