//! Relates the next minute's volatility to the last five: a HAR regression in logarithms, learned for each symbol.
//!
//! # Formula
//! `ln(sigma_next60 / sigma_300) = b . x` with `x = (1, lv10_60, lv60_300, lv300_1800, ntr10_300, ntr60_1800)`, the
//! features of those names: the cascade of horizons of Corsi (2009), and the present rate of trades relative to the
//! past one, since trades lead volatility. A term without a value is 0, as if the shorter horizon equalled the longer
//! one. In this form the forecast scales with the symbol, and has a value as soon as there is a probability.
//!
//! # Learning
//! Least squares with exponential forgetting, shrunk towards coefficients that hold for any market: `b = prior + (M +
//! ridge I)^-1 v`, where `M` and `v` decay by half in 24 hours. `M + ridge I` is positive definite and every term is
//! bounded, so the solution always exists; it is found by Cholesky's decomposition in a fixed order.

use rkyv::{Archive, Deserialize, Serialize};

use super::interval::MISS_MAX;
use crate::{
    decay::OUTCOME_DECAY_24H as DECAY,
    features::{Row, View, column},
    window::Window,
};

/// Terms, the constant included.
const TERMS: usize = 6;

/// Indexes in the feature row of the terms after the constant.
const COLUMNS: [usize; TERMS - 1] =
    [column("lv10_60"), column("lv60_300"), column("lv300_1800"), column("ntr10_300"), column("ntr60_1800")];

/// Coefficients before any outcome: rounded results of least squares on simulated markets.
const PRIOR: [f64; TERMS] = [0.0, 0.2, 0.3, -0.3, 0.0, 0.0];

/// Number of outcomes that the prior counts as.
const RIDGE: f64 = 120.0;

/// Terms are clamped to this: a window without movement is calm, not an outlier.
const TERM_MAX: f64 = 3.0;

/// A lower volatility of 300 seconds counts as none, per square-root second.
const LEVEL_MIN: f64 = 1e-8;

/// The inputs of a forecast.
#[derive(Clone, Copy, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub struct Inputs {
    /// Volatility of the last 300 seconds, per square-root second.
    level: f64,
    terms: [f64; TERMS],
}

impl Inputs {
    /// Reads the inputs; `None` if less than half of the last 300 seconds is covered.
    pub fn read(view: &View<'_>, row: &Row) -> Option<Self> {
        let level = view.sigma_long(Window::S300);
        if level.is_nan() {
            return None;
        }
        Some(Self::new(level, COLUMNS.map(|column| f64::from(row[column]))))
    }

    fn new(level: f64, values: [f64; TERMS - 1]) -> Self {
        let mut terms = [1.0; TERMS];
        for (term, value) in terms[1..].iter_mut().zip(values) {
            *term = if value.is_nan() { 0.0 } else { value.clamp(-TERM_MAX, TERM_MAX) };
        }
        Self { level: level.max(LEVEL_MIN), terms }
    }

    #[cfg(test)]
    pub(super) fn for_test(level: f64, values: [f64; TERMS - 1]) -> Self {
        Self::new(level, values)
    }
}

/// The regression.
#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub struct Har {
    coefficients: [f64; TERMS],
    /// Decayed sum of `x x'`; only the lower triangle is stored.
    moments: [[f64; TERMS]; TERMS],
    /// Decayed sum of `x (y - prior . x)`.
    cross: [f64; TERMS],
}

impl Default for Har {
    fn default() -> Self {
        Self { coefficients: PRIOR, moments: [[0.0; TERMS]; TERMS], cross: [0.0; TERMS] }
    }
}

impl Har {
    /// The expected volatility, per square-root second. Above 0 and finite.
    pub fn centre(&self, inputs: &Inputs) -> f64 {
        inputs.level * libm::exp(product(&self.coefficients, &inputs.terms).clamp(-MISS_MAX, MISS_MAX))
    }

    /// Learns from the outcome after these inputs, per square-root second.
    pub fn learn(&mut self, inputs: &Inputs, realised: f64) {
        let terms = &inputs.terms;
        let target = super::log_ratio(realised, inputs.level);
        let rest = target - product(&PRIOR, terms);
        for i in 0..TERMS {
            for j in 0..=i {
                self.moments[i][j] = DECAY * self.moments[i][j] + terms[i] * terms[j];
            }
            self.cross[i] = DECAY * self.cross[i] + terms[i] * rest;
        }
        let learned = solve(&self.moments, &self.cross);
        self.coefficients = std::array::from_fn(|i| PRIOR[i] + learned[i]);
    }
}

fn product(a: &[f64; TERMS], b: &[f64; TERMS]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}

/// `(moments + RIDGE I)^-1 cross`.
fn solve(moments: &[[f64; TERMS]; TERMS], cross: &[f64; TERMS]) -> [f64; TERMS] {
    let mut lower = [[0.0; TERMS]; TERMS];
    let mut inverse = [0.0; TERMS];
    for i in 0..TERMS {
        for j in 0..=i {
            let known = lower[i].iter().zip(&lower[j]).take(j).fold(0.0, |sum, (a, b)| sum + a * b);
            let sum = moments[i][j] + if i == j { RIDGE } else { 0.0 } - known;
            if i == j {
                lower[i][i] = libm::sqrt(sum);
                inverse[i] = 1.0 / lower[i][i];
            } else {
                lower[i][j] = sum * inverse[j];
            }
        }
    }
    let mut solution = *cross;
    for i in 0..TERMS {
        for k in 0..i {
            solution[i] -= lower[i][k] * solution[k];
        }
        solution[i] *= inverse[i];
    }
    for i in (0..TERMS).rev() {
        for (row, known) in lower.iter().zip(solution).skip(i + 1) {
            solution[i] -= row[i] * known;
        }
        solution[i] *= inverse[i];
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_learns_the_coefficients_that_made_the_outcomes() {
        let truth = [-0.2, 0.1, 0.4, -0.5, 0.15, 0.05];
        let mut har = Har::default();
        let mut state = 9_u64;
        let mut unit = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        for _ in 0..20_000 {
            let inputs = Inputs::new(3e-4, std::array::from_fn(|_| 2.0 * unit()));
            let noise = unit();
            har.learn(&inputs, 3e-4 * libm::exp(product(&truth, &inputs.terms) + noise));
        }
        for (learned, expected) in har.coefficients.iter().zip(truth) {
            assert!((learned - expected).abs() < 0.02, "{:?}", har.coefficients);
        }
    }

    #[test]
    fn extreme_rows_give_finite_forecasts() {
        let mut har = Har::default();
        for value in [f64::NAN, 1e9, -1e9, 0.0] {
            for realised in [0.0, 1e-12, 1.0] {
                let inputs = Inputs::new(0.0, [value; TERMS - 1]);
                for _ in 0..1_000 {
                    har.learn(&inputs, realised);
                }
                assert!(har.centre(&inputs).is_finite() && har.centre(&inputs) > 0.0);
                assert!(har.coefficients.iter().all(|c| c.is_finite()), "{:?}", har.coefficients);
            }
        }
    }
}
