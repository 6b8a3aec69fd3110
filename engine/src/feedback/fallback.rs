//! The fallback: the baseline answers while the model's recent errors on the symbol are greater than the baseline's.
//!
//! Both are scored at every grid instant. Their squared errors (Brier) are summed with exponential forgetting, half in
//! six hours. After an hour of outcomes the baseline takes over if the model's sum is more than 2 % above the
//! baseline's; the model comes back as soon as its sum is below. The gap between the two keeps them from alternating.

use rkyv::{Archive, Deserialize, Serialize};

use crate::{decay::OUTCOME_DECAY_6H as DECAY, window::GRID_S};

/// Outcomes before the baseline may take over: an hour of the grid.
const OUTCOMES_MIN: u32 = 3600 / GRID_S as u32;
/// Ratio of the model's sum of errors to the baseline's above which the baseline takes over.
const MARGIN: f64 = 1.02;

/// The recent errors of both models, and which of them answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
pub struct Fallback {
    engaged: bool,
    outcomes: u32,
    /// Decayed sums of squared errors, of the model and of the baseline.
    model: f64,
    baseline: f64,
    /// Decayed number of outcomes.
    weight: f64,
}

impl Fallback {
    /// Whether the baseline answers at present.
    pub fn is_engaged(&self) -> bool {
        self.engaged
    }

    /// Recent Brier score of the model and of the baseline.
    pub fn briers(&self) -> (f64, f64) {
        let weight = self.weight.max(1.0);
        (self.model / weight, self.baseline / weight)
    }

    /// Learns from an outcome and the probabilities of both models. Returns true if this changes which model answers.
    pub fn learn(&mut self, model: f64, baseline: f64, spike: bool) -> bool {
        let squared = |probability: f64| {
            let miss = probability - f64::from(u8::from(spike));
            miss * miss
        };
        self.model = DECAY * self.model + squared(model);
        self.baseline = DECAY * self.baseline + squared(baseline);
        self.weight = DECAY * self.weight + 1.0;
        self.outcomes = self.outcomes.saturating_add(1);
        let before = self.engaged;
        self.engaged = if before {
            self.model >= self.baseline
        } else {
            self.outcomes >= OUTCOMES_MIN && self.model > MARGIN * self.baseline
        };
        self.engaged != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_model_goes_after_an_hour_and_comes_back_when_it_is_better() {
        let mut fallback = Fallback::default();
        let changes: Vec<usize> = (0..2_000).filter(|i| fallback.learn(0.9, 0.1, i % 10 == 0)).collect();
        assert_eq!(changes, [719]);
        let changes: Vec<usize> = (0..20_000).filter(|i| fallback.learn(0.1, 0.9, i % 10 == 0)).collect();
        assert_eq!(changes.len(), 1);
        assert!(!fallback.is_engaged());
        let equal = (0..5_000).filter(|i| fallback.learn(0.1, 0.1, i % 10 == 0)).count();
        assert_eq!(equal, 0, "as good as the baseline is good enough");
    }
}
