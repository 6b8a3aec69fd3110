//! The models that score a symbol's rows.

use std::sync::Arc;

use model::ModelInfo;

use crate::{bound_model::BoundModel, features::Row};

/// The loaded model, and the baseline that replaces it for a symbol while it does worse there.
#[derive(Clone, Debug, Default)]
pub struct Scoring {
    /// The loaded model; nothing is scored without one.
    pub model: Option<Arc<BoundModel>>,
    /// The baseline, if the fallback is switched on.
    pub baseline: Option<Arc<BoundModel>>,
}

impl Scoring {
    /// Probability that the loaded model gives the row; `None` without a model.
    pub fn score(&self, row: &Row) -> Option<f64> {
        self.model.as_ref().map(|model| model.score(row))
    }

    /// Probability that the baseline gives the row; `None` without a baseline.
    pub fn baseline_score(&self, row: &Row) -> Option<f64> {
        self.baseline.as_ref().map(|baseline| baseline.score(row))
    }

    /// First eight bytes of the loaded model's SHA-256; 0 without a model.
    pub fn model_hash(&self) -> u64 {
        self.model.as_ref().map_or(0, |model| model.hash())
    }

    /// First eight bytes of the baseline's SHA-256; 0 without a baseline.
    pub fn baseline_hash(&self) -> u64 {
        self.baseline.as_ref().map_or(0, |baseline| baseline.hash())
    }

    /// Whether the loaded model predicts this many seconds ahead. A model without a horizon in its file counts as one
    /// that does.
    pub fn predicts_horizon(&self, horizon_s: u32) -> bool {
        self.model.as_ref().is_none_or(|model| [0, horizon_s].contains(&model.info().horizon_s))
    }

    /// Info of the model with this hash: the baseline's if it has that hash, otherwise the loaded model's. While a
    /// symbol warms up no model gives a probability, and the loaded model is named.
    pub fn info(&self, hash: u64) -> Option<&Arc<ModelInfo>> {
        let baseline = self.baseline.as_ref().filter(|baseline| baseline.hash() == hash);
        baseline.or(self.model.as_ref()).map(|model| model.info())
    }
}
