//! How a tick becomes a prediction.
//!
//! ```text
//!  source -> decode -> ingest -> mailbox -> shard: state -> features -> model -> prediction -> board, replies
//!   (1)       (1)       (3)       (3)        (4)    (5)       (5)       (6)        (6)          (7)    (8)
//! ```
//!
//! 1. A [`source`] reads records on a thread of its own; [`decode`] turns bytes into [`tick`]s, integers only.
//! 2. A [`symbol`] is `venue:product`; its partition is where the log holds its records.
//! 3. [`ingest`] finds the shard that owns the partition ([`route`]) and hands it batches through its [`mailbox`].
//! 4. A [`shard`] owns all state of its symbols; [`runtime`] decides when it steps, [`cpu`] and [`sys`] say where.
//! 5. A symbol's [`state`] keeps exact [`window`]s over event time; [`features`] is one row made of them, and
//!    [`volatility`] a forecast.
//! 6. [`prediction`] is what the row gave and how it is written; [`quality`] is how good it turned out to be.
//! 7. [`board`] shows the newest predictions, [`events`] what happened; [`snapshot`] is a symbol's state as bytes.
//! 8. [`handle`] asks the shards on behalf of a front end, [`owners`] says who has what is not here; [`Engine`] starts and
//!    stops the whole; [`metrics`] counts.
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
