//! The engine turns ticks into predictions.
//!
//! ```text
//!  source -> intake: decode, names, batches -> mailbox -> shard: state -> features -> scoring -> prediction -> board, replies
//! ```
//!
//! - A [`source`] reads records on threads of its own: a file, the simulator, a Kafka topic, venues' live
//!   feeds.
//! - [`intake`] is the one way in: [`decode`] turns bytes into [`tick`]s, integers only; venue and product become a
//!   [`symbol`], whose partition is where the log holds its records; ticks become batches for the shard that owns the
//!   partition ([`route`]).
//! - A [`message`] is a batch, an order about a partition, or a question; it waits in the shard's [`mailbox`].
//! - A [`shard`] owns all state of its symbols; [`runtime`] decides when it steps, [`cpu`] and [`sys`] on which CPU.
//! - A symbol's [`state`] keeps its standing [`book`], exact [`window`]s over event time and sums that [`decay`];
//!   [`features`] makes a row of them, and [`volatility`] a forecast.
//! - [`scoring`] uses the loaded model ([`bound_model`]), adjusted by the symbol's own outcomes if [`feedback`] is on.
//!   A [`prediction`] is the result with its JSON; [`quality`] measures the predictions against their outcomes.
//! - [`board`] holds the newest predictions for the live stream, [`events`] the newest events; [`snapshot`] encodes a
//!   symbol's state as bytes.
//! - [`handle`] asks the shards on behalf of a front end; [`owners`] names the processes that own the other partitions;
//!   [`Engine`] starts and stops everything; [`metrics`] counts.
//!
//! A lane is a thread that owns partitions of a log, reads their ticks and writes the predictions; `kafka` implements
//! lanes of Kafka topics, and [`lanes`] holds their counters and health.
//!
//! A live feed is a source that reads a venue's own WebSocket; [`live_report`] tells how its connections do.
//!
//! [`offline`] drives the same core on the caller's thread; [`grid`] collects labelled rows from it; [`sim`] simulates
//! a market. [`recording`] keeps a log in files, and [`verify`] recomputes the predictions made from one.
//!
//! # What always holds
//! - State is a function of the symbol's own ticks: not of the wall clock, the shard, the process or another symbol.
//! - The same ticks give the same bytes with any number of shards, on any runtime, live or offline.
//! - Sums are integers and equal their recomputation; "no value" is NaN in a row and a variant everywhere else.
//! - Every queue, table and record has a bound in [`limits`], and a full one has a defined answer.
//!
//! # What is absent
//! HTTP, parquet, configuration files, environment and signals (they are in `api`); locks and `dyn` on the tick path; a
//! second clock.

pub mod avro;
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
pub mod live_report;
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
pub mod schemas;
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
