//! The shadow model: it scores the same grid rows as the loaded model, for live quality only. It changes no prediction,
//! no state and no snapshot.

use std::{collections::VecDeque, sync::Arc};

use model::ModelInfo;

use crate::{
    bound_model::BoundModel, features::Row, quality::QualityRow, state::outcome::Outcome, symbol::SymbolId,
    window::GRID_S,
};

/// The variant under which the quality of a shadow model is shown.
pub const SHADOW_VARIANT: &str = "shadow";

/// Combined with the hash of a shadow model, so that its rows differ from those of the same file as loaded model.
const SHADOW_BITS: u64 = 0x5348_4144_4f57_0001;

/// The shadow model.
#[derive(Debug)]
pub(super) struct Shadow {
    pub(super) model: Arc<BoundModel>,
    /// Info of the model's file, with the variant `shadow`.
    pub(super) info: Arc<ModelInfo>,
}

impl Shadow {
    pub(super) fn new(model: Arc<BoundModel>) -> Self {
        let info = ModelInfo { variant: SHADOW_VARIANT.to_owned(), ..(**model.info()).clone() };
        Self { info: Arc::new(info), model }
    }

    /// The model hash in the shadow's quality rows.
    pub(super) fn hash(&self) -> u64 {
        self.model.hash() ^ SHADOW_BITS
    }

    /// Scores a row that the loaded model has scored, and keeps the probability until the outcome is known.
    pub(super) fn score(&self, row: &Row, second: i64, horizon_s: u32, waiting: &mut Waiting) {
        waiting.put(second, self.model.score(row), horizon_s);
    }

    /// The quality row of an outcome, if the shadow scored that instant and predicts this horizon.
    pub(super) fn quality_row(
        &self,
        symbol: SymbolId,
        outcome: &Outcome,
        horizon_s: u32,
        waiting: &mut Waiting,
    ) -> Option<QualityRow> {
        let probability = waiting.take(outcome.pending.second)?;
        if ![0, horizon_s].contains(&self.info.horizon_s) {
            return None;
        }
        let mut outcome = *outcome;
        outcome.pending.probability = Some(probability);
        outcome.pending.model_hash = self.hash();
        // The forecast is the engine's own, and counts with the active model's row only.
        outcome.pending.forecast = None;
        QualityRow::of(symbol, &outcome)
    }
}

/// One symbol's shadow probabilities without a known outcome, by grid instant, oldest first.
#[derive(Debug, Default)]
pub(super) struct Waiting(VecDeque<(i64, f64)>);

impl Waiting {
    fn put(&mut self, second: i64, probability: f64, horizon_s: u32) {
        // A state at a new origin may have an earlier clock.
        if self.0.back().is_some_and(|(newest, _)| *newest >= second) {
            self.0.clear();
        }
        while self.0.front().is_some_and(|(oldest, _)| second - oldest > i64::from(horizon_s) + GRID_S) {
            self.0.pop_front();
        }
        self.0.push_back((second, probability));
    }

    fn take(&mut self, second: i64) -> Option<f64> {
        while self.0.front().is_some_and(|(oldest, _)| *oldest < second) {
            self.0.pop_front();
        }
        let &(oldest, probability) = self.0.front()?;
        if oldest != second {
            return None;
        }
        self.0.pop_front();
        Some(probability)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded_and_found_by_its_instant() {
        let mut waiting = Waiting::default();
        for step in 0..1_000 {
            waiting.put(step * 5, step as f64, 60);
        }
        assert!(waiting.0.len() <= 14, "{}", waiting.0.len());
        assert_eq!(waiting.take(999 * 5 - 60), Some(987.0));
        assert_eq!(waiting.take(999 * 5 - 60), None, "once");
        assert_eq!(waiting.take(999 * 5 - 57), None, "no such instant");
        waiting.put(100, 0.5, 60);
        assert_eq!((waiting.0.len(), waiting.take(100)), (1, Some(0.5)), "after a clock that was set back");
    }
}
