//! The interface to boosting: a trait, so that the library behind it can be replaced.

use super::{dataset::Dataset, error::LearnError};
use crate::forest::CanonicalForest;

/// Grows boosted trees for the log loss.
pub trait Trainer {
    /// The library and its version, for provenance.
    fn name(&self) -> String;

    /// Grows trees on the chosen rows. The forest's score is log-odds with the natural class prior.
    ///
    /// # Errors
    /// [`LearnError::Trainer`].
    fn fit(
        &self,
        data: &Dataset,
        chosen: &[usize],
        options: &BoostOptions,
    ) -> Result<CanonicalForest, LearnError>;
}

/// Settings of the trees' growth.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostOptions {
    /// Number of trees.
    pub trees: usize,
    /// Factor of each tree's values.
    pub learning_rate: f32,
    /// Greatest number of leaves of a tree.
    pub leaves_max: usize,
    /// Greatest number of levels of splits.
    pub depth_max: usize,
    /// Least sum of `p * (1 - p)` in a leaf: 20 is about 220 rows at a base rate of 0.1.
    pub leaf_weight_min: f32,
    /// Share of the rows drawn for each tree.
    pub row_share: f32,
    /// Share of the features drawn for each tree.
    pub feature_share: f64,
    /// L2 penalty on the leaves' values.
    pub l2: f32,
    /// Number of cuts considered per feature.
    pub bins: u16,
    /// Seed of the draws of rows and features.
    pub seed: u64,
    /// Positions of the features whose increase must never lower the score.
    pub increasing: Vec<usize>,
}

impl Default for BoostOptions {
    fn default() -> Self {
        Self {
            trees: 250,
            learning_rate: 0.02,
            leaves_max: 7,
            depth_max: 6,
            leaf_weight_min: 20.0,
            row_share: 0.5,
            feature_share: 0.3,
            l2: 20.0,
            bins: 63,
            seed: 7,
            increasing: Vec::new(),
        }
    }
}

impl BoostOptions {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`LearnError::Option`].
    pub fn check(&self) -> Result<(), LearnError> {
        let share = |share: f64| share > 0.0 && share <= 1.0;
        let sound = [
            ("trees", (1..=100_000).contains(&self.trees)),
            ("learning_rate", share(f64::from(self.learning_rate))),
            ("leaves_max", self.leaves_max >= 2),
            ("depth_max", (1..=64).contains(&self.depth_max)),
            ("leaf_weight_min", self.leaf_weight_min >= 0.0 && self.leaf_weight_min.is_finite()),
            ("row_share", share(f64::from(self.row_share))),
            ("feature_share", share(self.feature_share)),
            ("l2", self.l2 >= 0.0 && self.l2.is_finite()),
            ("bins", self.bins >= 2),
        ];
        match sound.iter().find(|(_, sound)| !sound) {
            Some((option, _)) => Err(LearnError::Option { option, what: "out of range".to_owned() }),
            None => Ok(()),
        }
    }
}
