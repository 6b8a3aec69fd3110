#![doc = include_str!("../README.md")]
//!
//! # The flow
//!
//! ```text
//! learn (feature `learn`) or an importer
//!        |  canonical trees, linear terms, ModelInfo
//!        v
//! draft::ModelDraft -- pack --> file (FORMAT.md) -- map, check once --> model::Model -- predict --> answers
//!        |                                                                   ^
//!        '------ the plain walks (slow twins): equal bits, by test ----------'
//! ```
//!
//! A model is a list of members, each giving log-odds: a [`forest`] or a [`linear`] part. Their weighted sum is
//! calibrated (Platt) and squashed: [`combine`](sigmoid). An imported model has a [`link`] of its own instead, and a
//! [wide](forest::wide) forest if narrow nodes cannot hold it. Features have names with versions: [`schema`].
//!
//! # Invariants
//!
//! * A [`Model`] exists only if every byte of its file was covered by a checksum that agreed and every node, slot,
//!   leaf and number was checked; after that, rows are walked without checks. A damaged file is an error that names
//!   the section, never a crash.
//! * A score's bits depend on the file and the row only: not on the machine, the batch, the position in it, or the
//!   kernel. Sums run in the file's order; nothing is fused; `exp` and `ln` are the `libm` crate's.
//! * A score is never NaN, whatever the row: numbers in a file are bounded, NaN has a direction at every split.
//! * Scoring a row allocates nothing.
//! * Equal training input and seed give an equal file. No clock enters it.
//!
//! # Absent on purpose
//!
//! Pickle and every other format that runs code.

pub mod card;
pub mod draft;
pub mod drift;
pub mod error;
pub mod evaluation;
pub mod explain;
pub mod forest;
#[cfg(feature = "import")]
pub mod import;
pub mod info;
#[cfg(feature = "learn")]
pub mod learn;
pub mod linear;
pub mod link;

pub mod preparation;
pub mod schema;

mod combine;
mod exp;
mod file;
mod meta;
mod model;
mod row;
mod self_test;

pub use combine::sigmoid;
pub use draft::{MemberDraft, ModelDraft};
pub use drift::{Bins, DriftReference};
pub use error::{DraftError, ModelError};
pub use explain::{ExplainError, Explainer, Explanation, Method};
pub use info::{Calibration, LabelRule, ModelInfo};
pub use link::{Link, Outputs};
pub use model::Model;
pub use row::FeatureValue;
