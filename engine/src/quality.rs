//! Live quality: compares predictions with their outcomes.
//!
//! The outcome of a grid prediction is known one horizon later, 60 seconds by default. It becomes a [`row`] in the
//! [`window`] of its shard; a front end gathers the shards' rows and makes a [`report`] of them, off the tick path. A
//! row counts only if its event is defined by the symbol's own threshold, as in training and evaluation.
//!
//! Quality is pooled over symbols, is only reported, and starts empty with the process. It changes no prediction: only
//! [`feedback`](crate::feedback) does, which learns from one symbol's outcomes and is part of that symbol's state.

pub mod report;
pub mod row;
pub mod window;

pub use report::QualityReport;
pub use row::QualityRow;
pub use window::{QualitySettings, QualityWindow, ShardQuality};
