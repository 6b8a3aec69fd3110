//! Live quality: how good the predictions turned out to be.
//!
//! The outcome of a grid prediction is known one horizon later, 60 seconds by default. It becomes a [`row`] in the
//! [`window`] of its shard; a front end gathers the shards' rows and makes the [`report`] of them, off the tick path. A
//! row counts if its event is defined by the symbol's own threshold, as in training and evaluation.
//!
//! Quality is pooled over symbols, is shown only, and starts anew with the process. It changes no prediction: that is
//! done by [`feedback`](crate::feedback), which learns from one symbol's outcomes and lies in that symbol's state.

pub mod report;
pub mod row;
pub mod window;

pub use report::QualityReport;
pub use row::QualityRow;
pub use window::{QualitySettings, QualityWindow, ShardQuality};
