//! (6) How good the answers turned out to be, and what may be done about it by itself.
//!
//! A grid prediction's outcome arrives 60 seconds later by itself. It becomes a [`row`] in the [`window`] of its shard;
//! a front end gathers the shards' rows and makes the [`report`] of them, off the tick path. Rows count whose event is
//! defined by the symbol's own threshold: those that training and evaluation take.
//!
//! What is pooled over symbols is for display only and starts anew with the process. What feeds back into predictions
//! is one symbol's own, lies in its state, and is off by default: [`feedback`], made of the online [`recalibration`] and
//! the [`fallback`] to a baseline. Every change of it is an event.

pub mod report;
pub mod row;
pub mod window;

pub use report::QualityReport;
pub use row::QualityRow;
pub use window::{QualitySettings, QualityWindow, ShardQuality};
