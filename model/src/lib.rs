//! What a model is. Pure: no socket, no clock, no runtime.
//!
//! This skeleton fixes the names that `engine` and `api` use.

pub mod schema;

use std::path::Path;

use schema::FeatureName;

/// Platt calibration: `probability = sigmoid(a * log_odds + b)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Slope on the log-odds.
    pub a: f64,
    /// Intercept.
    pub b: f64,
}

/// What a model file says of itself.
#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// The model's name, `stormglass-default`.
    pub name: String,
    /// Its version, `1`.
    pub version: String,
    /// `ml` or `baseline`: which of the original's two variants it stands for.
    pub variant: String,
    /// SHA-256 of the file's bytes, lower-case hexadecimal.
    pub sha256: String,
    /// The features of a row, in order.
    pub features: Vec<FeatureName>,
    /// Seconds ahead that the probability speaks of; 0 where the file does not say.
    pub horizon_s: u32,
    /// Quantile of the label's threshold, 0.9.
    pub label_quantile: f64,
    /// The event's threshold for a symbol without one of its own: basis points per square-root second.
    pub tau_bp: f64,
    /// Probability at or above which `spike` is true.
    pub threshold: f64,
    /// Calibration, if the file has one.
    pub calibration: Option<Calibration>,
    /// Provenance, in order: command, trainer, data, seed, time span.
    pub provenance: Vec<(String, String)>,
    /// Training metrics, in order.
    pub metrics: Vec<(String, f64)>,
    /// Trees in all members.
    pub tree_count: usize,
    /// Nodes in all members.
    pub node_count: usize,
}

/// A model, mapped and checked, ready to score. Shared by `Arc` between shards.
#[derive(Debug)]
pub struct Model {
    info: ModelInfo,
}

/// Why a model could not be had.
#[derive(Debug, thiserror::Error)]
#[error("stub")]
pub struct ModelError;

/// One row's answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Log-odds after calibration.
    pub log_odds: f64,
    /// `sigmoid(log_odds)`.
    pub probability: f64,
}

impl Model {
    /// Maps the file and checks all of it.
    ///
    /// # Errors
    /// [`ModelError`], which names the file, the section and what is wrong with it.
    pub fn open(_path: &Path) -> Result<Self, ModelError> {
        Err(ModelError)
    }

    /// The same over bytes in memory (copied once to aligned pages).
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn from_bytes(_bytes: &[u8]) -> Result<Self, ModelError> {
        Err(ModelError)
    }

    /// What the file says of itself.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Scores one row, in the order of `info().features`, NaN = missing. No allocation.
    ///
    /// # Panics
    /// If the row's length is not the number of features.
    pub fn score_row(&self, row: &[f32]) -> Score {
        assert_eq!(row.len(), self.info.features.len());
        Score { log_odds: 0.0, probability: 0.5 }
    }
}
