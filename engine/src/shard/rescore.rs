//! The newest answers after the model has changed.
//!
//! A swap scores nothing. It marks every symbol, and a symbol that is asked for before its next tick is scored again, once,
//! from the state that its newest tick left: so a symbol without ticks answers by the loaded model as well, and a swap
//! holds no tick up however many symbols there are. What is scored so goes to whoever asked and nowhere else. It is not in
//! the state, a snapshot, a lane's outputs, the quality or a counter.

use std::sync::Arc;

use model::{Model, ModelInfo};

use super::{BoundModel, ShardCore};
use crate::{
    features::Row,
    message::Answer,
    prediction::Prediction,
    state::{GridRow, Scorer, outcome::Outcome},
    symbol::SymbolKey,
};

/// The models that score: the one that drives the stream, and the one that stands in where that one does worse.
#[derive(Clone, Copy)]
pub(super) struct Loaded<'a> {
    pub(super) model: Option<&'a BoundModel>,
    pub(super) baseline: Option<&'a BoundModel>,
}

impl<'a> Loaded<'a> {
    /// What is said of the model that gave a prediction with this hash. While a symbol warms no model gives one, and the
    /// loaded model is named.
    pub(super) fn info(&self, hash: u64) -> Option<&'a Arc<ModelInfo>> {
        let stood_in = self.baseline.filter(|baseline| baseline.hash == hash);
        stood_in.or(self.model).map(|model| &model.info)
    }
}

impl Scorer for Loaded<'_> {
    fn score(&mut self, row: &Row) -> Option<f64> {
        self.model.map(|model| model.score(row))
    }

    fn model_hash(&self) -> u64 {
        self.model.map_or(0, |model| model.hash)
    }

    fn baseline_score(&mut self, row: &Row) -> Option<f64> {
        self.baseline.map(|baseline| baseline.score(row))
    }

    fn baseline_hash(&self) -> u64 {
        self.baseline.map_or(0, |baseline| baseline.hash)
    }

    // Only ticks give grid rows, outcomes and gaps; a row that is scored again gives none.
    fn grid_row(&mut self, _: GridRow<'_>) {}
    fn outcome(&mut self, _: Outcome) {}
    fn gap(&mut self) {}
}

/// A model that was asked for and is not the loaded one, as while the shards change from one to the other. `None` for a
/// model that cannot drive the stream: it has no answers for symbols.
pub(super) struct Pinned(Option<BoundModel>);

impl ShardCore {
    /// The model that was asked for, unless the loaded one is that model.
    pub(super) fn pinned(&self, asked: Option<Arc<Model>>) -> Option<Pinned> {
        let asked = asked?;
        if self.model.as_ref().is_some_and(|loaded| loaded.info.sha256 == asked.info().sha256) {
            return None;
        }
        let bound = BoundModel::new(asked).ok();
        // A model of rows leaves the shards without one.
        (bound.is_some() || self.model.is_some()).then_some(Pinned(bound))
    }

    /// The newest prediction of an entry by the pinned model, or by the loaded one.
    pub(super) fn newest(&self, i: usize, pinned: Option<&Pinned>) -> Option<Prediction> {
        let entry = &self.entries[i];
        let model = match pinned {
            Some(Pinned(model)) => model.as_ref(),
            None if entry.is_outdated => self.model.as_deref(),
            None => return self.prediction(i),
        };
        let mut loaded = Loaded { model, baseline: self.baseline.as_deref() };
        let scored = entry.state.rescored(&self.settings, &mut loaded)?;
        Some(self.prediction_of(entry, scored, loaded.info(scored.model_hash).cloned()))
    }

    /// The answers about these symbols, all by one model.
    pub(super) fn answers(
        &mut self,
        symbols: &[SymbolKey],
        model: Option<Arc<Model>>,
    ) -> Vec<Option<Arc<Answer>>> {
        let pinned = self.pinned(model);
        let answer = |key: &SymbolKey| {
            let i = *self.index.get(key)?;
            match &pinned {
                None => self.answer(i),
                Some(_) => self.newest(i, pinned.as_ref()).map(|newest| Arc::new(Answer::new(newest))),
            }
        };
        symbols.iter().map(answer).collect()
    }
}
