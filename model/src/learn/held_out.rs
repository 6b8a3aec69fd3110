//! Scores training rows by members that have not seen them: each part of the rows is scored by members fitted on the
//! rows before it, less the gap.
//!
//! A model's metrics need such scores, because the model itself is fitted on all rows.

use super::{
    boost::Trainer, dataset::Dataset, error::LearnError, options::TrainOptions, recipe::Recipe,
    walk_forward::WalkForward,
};
use crate::info::ModelInfo;

/// Share of the rows, the first by time, that is only learned from: the default of [`WalkForward`].
const FIRST_SHARE: f64 = 0.4;
/// Number of parts of the remaining rows. Each costs a fit; three cost less than twice the fit of the model itself.
const PARTS: usize = 3;

/// Rows with the probabilities of members that have not seen them.
pub(super) struct HeldOut {
    pub(super) labels: Vec<bool>,
    pub(super) probabilities: Vec<f64>,
    /// Event time of the first of the rows, seconds.
    pub(super) from_s: i64,
}

impl HeldOut {
    /// Scores the rows; `info` is the model's. Parts whose earlier rows do not suffice for training are left out.
    ///
    /// # Errors
    /// [`LearnError::TooLittle`] if fewer than 50 rows, or rows with one outcome only, could be scored; the error of
    /// the recipe's fit.
    pub(super) fn score(
        data: &Dataset,
        options: &TrainOptions,
        recipe: Recipe,
        trainer: &dyn Trainer,
        info: &ModelInfo,
    ) -> Result<Self, LearnError> {
        let walk = WalkForward {
            first_share: FIRST_SHARE,
            folds: PARTS,
            horizon_s: options.horizon_s,
            embargo_s: options.embargo_s,
        };
        let folds = walk.folds(data.times_s(), |_| true)?;
        let (mut rows, mut probabilities) = (Vec::new(), Vec::new());
        for fold in folds.iter().filter(|fold| data.enough("rows before a part", fold.train()).is_ok()) {
            let members = recipe.fit(data, fold.train(), options, trainer)?.members;
            let draft = recipe.draft(info.clone(), members)?;
            probabilities.extend(fold.test().iter().map(|&row| draft.predict(data.row(row))));
            rows.extend_from_slice(fold.test());
        }
        data.enough("held-out rows", &rows)?;
        let from_s = rows.iter().map(|&row| data.times_s()[row]).min().unwrap_or_default();
        let labels = rows.iter().map(|&row| data.labels()[row]).collect();
        Ok(Self { labels, probabilities, from_s })
    }
}
