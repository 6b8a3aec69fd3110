//! A model as a shard scores with it: any subset and order of the engine's features.

use std::sync::Arc;

use model::{Model, ModelInfo, schema::FeatureName};

use crate::features::{self, FEATURE_COUNT, Row};

/// A model bound to the engine's row: it has the position of each of its features in the row.
#[derive(Debug)]
pub struct BoundModel {
    model: Arc<Model>,
    info: Arc<ModelInfo>,
    /// First eight bytes of the file's SHA-256.
    hash: u64,
    /// For each feature of the model, its index in the engine's row; `None` if the two lists are equal.
    columns: Option<Vec<usize>>,
}

impl BoundModel {
    /// Binds a model whose features are any subset of the engine's, in any order.
    ///
    /// # Errors
    /// [`Unfit`] if the model names other features or gives no single probability.
    pub fn new(model: Arc<Model>) -> Result<Self, Unfit> {
        if let Some(unfit) = Unfit::of(&model) {
            return Err(unfit);
        }
        let schema = features::schema();
        let info = Arc::new(model.info().clone());
        let find = |wanted: &FeatureName| schema.iter().position(|have| have == wanted);
        let columns = (info.features != schema).then(|| info.features.iter().filter_map(find).collect());
        let hash = info.sha256.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
        Ok(Self { model, info, hash, columns })
    }

    /// Name, version, features, threshold and horizon of the model.
    pub fn info(&self) -> &Arc<ModelInfo> {
        &self.info
    }

    /// The model as it was opened.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// First eight bytes of the file's SHA-256: how predictions and snapshots name the model.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The probability that the model gives a row of the engine.
    pub fn score(&self, row: &Row) -> f64 {
        match &self.columns {
            None => self.model.predict(row),
            Some(columns) => {
                let mut picked = [0.0_f32; FEATURE_COUNT];
                for (cell, &column) in picked.iter_mut().zip(columns) {
                    *cell = row[column];
                }
                self.model.predict(&picked[..columns.len()])
            }
        }
    }
}

/// The reason why a model cannot drive the stream and scores posted rows only.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The model names features that the engine does not have.
    #[error("the model cannot drive the stream: the engine has no feature {missing:?}")]
    UnknownFeatures {
        /// Names and versions of those features.
        missing: Vec<String>,
    },
    /// The model gives no single probability: it is a regression or has several classes.
    #[error("the model cannot drive the stream: its answer is not the probability of one event")]
    NoProbability,
}

impl Unfit {
    /// The reason why the model cannot drive the stream; `None` if it can.
    pub fn of(model: &Model) -> Option<Self> {
        if !model.gives_probability() {
            return Some(Self::NoProbability);
        }
        let missing = model.info().features_absent_from(&features::schema());
        let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
        (!missing.is_empty()).then_some(Self::UnknownFeatures { missing })
    }
}
