//! Combines the members' scores to a probability: weighted sum in log-odds, Platt calibration, sigmoid.
//!
//! The resulting bits are equal on every machine: each operation rounds on its own (Rust never fuses a product into a
//! sum by itself), sums run in a fixed order, and `exp` is the `libm` crate's, not the platform's.

use crate::info::Calibration;

/// Largest magnitude of a number in a model file, so that no sum overflows into infinity or NaN.
pub(crate) const MAGNITUDE_MAX: f64 = 1e30;

/// True for a number that a model file may hold.
pub(crate) fn is_moderate(value: f64) -> bool {
    value.abs() <= MAGNITUDE_MAX
}

/// `0 + w0*m0 + w1*m1 + ...` over (weight, log-odds) in member order.
pub(crate) fn weighted_sum(members: impl Iterator<Item = (f64, f64)>) -> f64 {
    let mut sum = 0.0;
    for (weight, log_odds) in members {
        sum += weight * log_odds;
    }
    sum
}

/// The log-odds after calibration.
pub(crate) fn calibrated(raw: f64, calibration: Option<Calibration>) -> f64 {
    match calibration {
        Some(Calibration { a, b }) => a * raw + b,
        None => raw,
    }
}

/// `1 / (1 + exp(-x))`, written so that `exp` never overflows: for negative `x`, `exp(x) / (1 + exp(x))`.
pub fn sigmoid(log_odds: f64) -> f64 {
    let small = libm::exp(-log_odds.abs());
    if log_odds >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sigmoid_is_monotone_symmetric_and_bounded() {
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(1e30), 1.0);
        assert_eq!(sigmoid(-1e30), 0.0);
        let mut last = 0.0;
        for step in -400..=400 {
            let x = f64::from(step) * 0.1;
            let p = sigmoid(x);
            assert!(p >= last, "sigmoid fell at {x}");
            assert!((p + sigmoid(-x) - 1.0).abs() < 1e-15);
            last = p;
        }
    }
}
