//! Training: a [`Dataset`] in, a [`ModelDraft`] out. It uses no clock, no file and no thread pool.
//!
//! ```text
//! Dataset -- all rows --> members: logistic (Newton), boosted trees, forest --> ModelDraft
//!    |                                                                            ^
//!    '-- walk forward --> members of earlier rows score later ones --> metrics ----'
//! ```
//!
//! The model's members are fitted on all rows. Its metrics come from rows that were held out in turn: they were scored
//! by members fitted on the rows before them, with a gap of the horizon and the embargo. Nothing depends on the clock:
//! equal datasets and options give equal bytes on one machine (the boosting library uses the platform's `exp` and `ln`,
//! so training may differ between machines; scoring does not).
//!
//! Left out on purpose: a calibration after the members (it does harm, as the measurements in [`Recipe`] show), class
//! weights and resampling (they wreck calibration), early stopping (neighbouring rows share their labels' seconds), and
//! random splits except to show what they would claim.

mod boost;
mod bootstrap;
mod dataset;
mod design;
mod error;
mod forust;
mod held_out;
mod logistic;
mod newton;
mod options;
mod platt;
mod random;
mod recipe;
mod reference;
mod ridge;
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
pub use train::{train, train_baseline, train_default, train_unmeasured, train_with};
pub use walk_forward::{Fold, WalkForward, random_halves};

#[cfg(doc)]
use crate::ModelDraft;
