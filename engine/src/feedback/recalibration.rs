//! Online Platt: a line over the model's log-odds, learned from one symbol's outcomes.
//!
//! # Formula
//! `p = sigmoid(a z + b)`, `z` the model's own log-odds. After each outcome one Newton step on the log loss with
//! exponential forgetting: `H <- decay H + w s (z, 1)(z, 1)'` with `s = p (1 - p)`, then
//! `(a, b) <- (a, b) - (H + ridge I)^-1 g`, `g` the outcome's gradient and the pull back to `(1, 0)`. Neighbouring
//! outcomes share eleven of twelve parts of their minute, so each weighs a twelfth. Half of the past is forgotten in 24
//! hours; `a` and `b` are bounded, and `a > 0` keeps the order of scores.
//!
//! A learned line takes effect once an hour, in one step. Between two steps all predictions are calibrated alike.

use model::sigmoid;
use rkyv::{Archive, Deserialize, Serialize};

use crate::{decay::OUTCOME_DECAY_24H as DECAY, window::GRID_S};

/// A line over log-odds: `a z + b`.
#[derive(Clone, Copy, Debug, PartialEq, Archive, Serialize, Deserialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct Line {
    /// Slope, above 0.
    pub a: f64,
    /// Intercept.
    pub b: f64,
}

impl Line {
    /// The line that leaves log-odds unchanged.
    pub const IDENTITY: Self = Self { a: 1.0, b: 0.0 };

    /// The recalibrated probability; `probability` is the sigmoid of `log_odds`.
    pub fn apply(self, log_odds: f64, probability: f64) -> f64 {
        if self == Self::IDENTITY { probability } else { sigmoid(self.a * log_odds + self.b) }
    }
}

/// `ln(p / (1 - p))`, within -20..=20.
pub fn log_odds(probability: f64) -> f64 {
    libm::log(probability / (1.0 - probability)).clamp(-20.0, 20.0)
}

/// Outcomes between two steps: an hour of the grid.
const OUTCOMES_PER_STEP: u32 = 3600 / GRID_S as u32;
/// Weight of an outcome, at the usual horizon of 60 seconds.
const WEIGHT: f64 = GRID_S as f64 / 60.0;
/// Strength of the pull to `(1, 0)`, in units of `H`.
const RIDGE: f64 = 5.0;
/// The least change of `a` or `b` that comes into force.
const CHANGE_MIN: f64 = 0.01;

/// The state learned about the calibration of one symbol's model.
#[derive(Clone, Copy, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub struct Recalibration {
    in_force: Line,
    learned: Line,
    /// The three different cells of `H`: `zz`, `z`, `1`.
    curvature: [f64; 3],
    outcomes: u32,
}

impl Default for Recalibration {
    fn default() -> Self {
        Self { in_force: Line::IDENTITY, learned: Line::IDENTITY, curvature: [0.0; 3], outcomes: 0 }
    }
}

impl Recalibration {
    /// The line that is applied to predictions at present.
    pub fn in_force(&self) -> Line {
        self.in_force
    }

    /// Learns from an outcome; returns the new line if this outcome completes a step that changes the line.
    pub fn learn(&mut self, log_odds: f64, spike: bool) -> Option<Line> {
        let Line { a, b } = self.learned;
        let probability = sigmoid(a * log_odds + b);
        let slope = WEIGHT * (probability * (1.0 - probability)).max(1e-4);
        let [zz, z, one] = self.curvature;
        self.curvature =
            [DECAY * zz + slope * log_odds * log_odds, DECAY * z + slope * log_odds, DECAY * one + slope];
        let miss = WEIGHT * (probability - f64::from(u8::from(spike)));
        let pull = RIDGE * (1.0 - DECAY);
        let gradient = (miss * log_odds + pull * (a - 1.0), miss + pull * b);
        let [zz, z, one] = self.curvature;
        let (zz, one) = (zz + RIDGE, one + RIDGE);
        let determinant = zz * one - z * z;
        let step = (
            (one * gradient.0 - z * gradient.1) / determinant,
            (zz * gradient.1 - z * gradient.0) / determinant,
        );
        self.learned = Line { a: (a - step.0).clamp(0.25, 4.0), b: (b - step.1).clamp(-3.0, 3.0) };
        self.outcomes += 1;
        if !self.outcomes.is_multiple_of(OUTCOMES_PER_STEP) {
            return None;
        }
        let (old, new) = (self.in_force, self.learned);
        if (old.a - new.a).abs() < CHANGE_MIN && (old.b - new.b).abs() < CHANGE_MIN {
            return None;
        }
        self.in_force = new;
        Some(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outcomes of a model whose log-odds are stretched and shifted.
    fn learned(outcomes: u32, spike: impl Fn(f64, f64) -> bool) -> (Recalibration, usize) {
        let mut recalibration = Recalibration::default();
        let mut state = 5_u64;
        let mut unit = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut steps = 0;
        for _ in 0..outcomes {
            let truth = -2.0 + 3.0 * (unit() - 0.5);
            steps += usize::from(recalibration.learn(2.0 * truth + 1.0, spike(truth, unit())).is_some());
        }
        (recalibration, steps)
    }

    #[test]
    fn a_stretched_model_is_set_right_in_hourly_steps() {
        let (recalibration, steps) = learned(60_000, |truth, unit| unit < sigmoid(truth));
        let Line { a, b } = recalibration.in_force();
        assert!((a - 0.5).abs() < 0.1 && (b + 0.5).abs() < 0.2, "a {a}, b {b}");
        assert!(steps > 3 && steps <= 60_000 / 720, "{steps} steps");
    }

    #[test]
    fn a_day_of_one_outcome_stays_within_bounds() {
        for outcome in [true, false] {
            let Line { a, b } = learned(20_000, |_, _| outcome).0.in_force();
            assert!((0.25..=4.0).contains(&a) && (-3.0..=3.0).contains(&b), "a {a}, b {b}");
        }
    }

    #[test]
    fn nothing_comes_into_force_within_the_first_hour() {
        assert_eq!(learned(719, |_, _| true).0.in_force(), Line::IDENTITY);
        for probability in [0.0, 1.0, 1e-300, 0.5] {
            assert_eq!(Line::IDENTITY.apply(log_odds(probability), probability), probability);
            assert!(log_odds(probability).is_finite());
        }
    }
}
