//! How a tick becomes a prediction.
//!
//! ```text
//!  source -> intake: decode, names, batches -> mailbox -> shard: state -> features -> scoring -> prediction -> board, replies
//! ```
//!
//! - A [`source`] reads records on threads of its own: a file, the simulator, a Kafka topic.
//! - [`intake`] is the one way in: [`decode`] turns bytes into [`tick`]s, integers only; venue and product become a
//!   [`symbol`], whose partition is where the log holds its records; ticks become batches for the shard that owns the
//!   partition ([`route`]).
//! - A [`message`] is a batch, an order about a partition, or a question; it waits in the shard's [`mailbox`].
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
//! A lane is a thread that reads partitions of a log for a while and takes the predictions back to it; `kafka` has the ones
//! there are, and [`lanes`] is what they count and report.
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
mod input;
pub mod intake;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod lanes;
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
pub mod stop;
pub mod symbol;
pub mod sys;
pub mod tick;
pub mod verify;
pub mod volatility;
pub mod window;

pub use engine::{Engine, EngineSettings, StartError};
