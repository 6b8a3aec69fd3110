//! How a model is learned: matrices in, a [`ModelDraft`] out. No clock, no file, no thread pool.
//!
//! ```text
//! Dataset -- split by time --> fit rows | purge + embargo | calibration rows (the last 15 %)
//!                                 |                             |
//!                 logistic (Newton) + boosted trees             '--> Platt on their average in log-odds, metrics
//! ```
//!
//! Everything fitted (medians, scales, coefficients, trees) sees the fit rows alone; calibration and the metrics see
//! the calibration rows alone. Nothing is drawn from the clock: equal datasets and options give equal bytes, on one
//! machine (the boosting library uses the platform's `exp` and `ln`, so other machines may differ in training; scoring
//! does not).
//!
//! Absent on purpose: class weights and resampling (they wreck calibration), isotonic calibration (ties), early
//! stopping (neighbouring rows share their labels' seconds), random splits but to show what they would claim.

mod boost;
mod bootstrap;
mod dataset;
mod design;
mod error;
mod forust;
mod logistic;
mod newton;
mod options;
mod platt;
mod random;
mod recipe;
mod reference;
mod ridge;
mod split;
mod train;
mod walk_forward;

pub use crate::card::card;
pub use boost::{BoostOptions, Trainer};
pub use bootstrap::{BlockBootstrap, interval};
pub use dataset::Dataset;
pub use error::LearnError;
pub use forust::{ForustForest, ForustTrainer};
pub use logistic::fit_logistic;
pub use options::{BASELINE_FEATURES, INCREASING_FEATURES, TrainOptions};
pub use platt::fit_platt;
pub use recipe::Recipe;
pub use ridge::fit_ridge;
pub use split::{TimeSplit, split_by_time};
pub use train::{train, train_baseline, train_default, train_with};
pub use walk_forward::{Fold, WalkForward, random_halves};

#[cfg(doc)]
use crate::ModelDraft;
