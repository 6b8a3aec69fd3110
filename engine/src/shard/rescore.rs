//! Scores symbols again after the model has changed.
//!
//! A swap scores nothing; it marks every symbol as outdated. If such a symbol is asked for before its next tick, the
//! loaded model scores it again, once, from the state that its newest tick left. So a symbol without further ticks is
//! answered by the loaded model too, and a swap delays no tick, however many symbols there are. Such a score goes to
//! the asker only: not into the state, a snapshot, a lane's output, the quality or a counter.

use std::sync::Arc;

use model::Model;

use super::ShardCore;
use crate::{
    bound_model::BoundModel, message::Answer, prediction::Prediction, scoring::Scoring, symbol::SymbolKey,
};

/// The model that a question names, if it is not the loaded one, as while the shards change models one after the other.
/// `None` inside: that model cannot drive the stream, so symbols have no answer.
pub(super) struct Pinned(Option<Arc<BoundModel>>);

impl ShardCore {
    /// The model that the question names; `None` if it is the loaded one.
    pub(super) fn pinned(&self, asked: Option<Arc<Model>>) -> Option<Pinned> {
        let asked = asked?;
        if self.scoring.model.as_ref().is_some_and(|loaded| loaded.info().sha256 == asked.info().sha256) {
            return None;
        }
        let bound = BoundModel::new(asked).ok().map(Arc::new);
        // If the loaded model scores posted rows only, the shards have no model.
        (bound.is_some() || self.scoring.model.is_some()).then_some(Pinned(bound))
    }

    /// The newest prediction of an entry by the pinned model, or by the loaded one.
    pub(super) fn newest(&self, i: usize, pinned: Option<&Pinned>) -> Option<Prediction> {
        let entry = &self.entries[i];
        let model = match pinned {
            Some(Pinned(model)) => model,
            None if entry.is_outdated => &self.scoring.model,
            None => return self.prediction(i),
        };
        let scoring = Scoring { model: model.clone(), baseline: self.scoring.baseline.clone() };
        let scored = entry.state.rescored(&self.settings, &scoring)?;
        Some(self.prediction_of(entry, scored, scoring.info(scored.model_hash).cloned()))
    }

    /// The answers for these symbols, all by one model.
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
