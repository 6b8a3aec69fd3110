//! Platt's calibration (Platt 1999): a line that turns a score which is no probability, such as persistence, into
//! log-odds.

use ndarray::{ArrayView1, Axis};

use super::{error::LearnError, newton::Problem};
use crate::info::Calibration;

/// Fits `a` and `b` so that `sigmoid(a * raw + b)` is the probability. The targets are Platt's, (n+ + 1) / (n+ + 2) and
/// 1 / (n- + 2), which keep the slope finite if the scores separate the labels.
///
/// `None` if the slope is not above 0: the scores carry no information about these rows, and reversing them would be
/// worse than leaving them.
///
/// # Errors
/// [`LearnError::NotSettled`].
pub fn fit_platt(labels: &[bool], raw: &[f64]) -> Result<Option<Calibration>, LearnError> {
    let positives = labels.iter().filter(|&&label| label).count() as f64;
    let negatives = labels.len() as f64 - positives;
    let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
    let targets: Vec<f64> = labels.iter().map(|&label| if label { high } else { low }).collect();
    let rows = ArrayView1::from(raw).insert_axis(Axis(1));
    // A tiny penalty, so that equal scores have a unique solution.
    let weights = Problem { rows, targets: &targets, l2: 1e-6 }.solve()?;
    let calibration = Calibration { a: weights[0], b: weights[1] };
    Ok((calibration.a > 0.0).then_some(calibration))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretched_score_is_set_right() {
        // At true log-odds -2, 0 and 2 of equal mass the score says three times as much, plus one.
        let (mut labels, mut raw) = (Vec::new(), Vec::new());
        for log_odds in [-2.0, 0.0, 2.0] {
            for row in 0..10_000 {
                labels.push(f64::from(row) / 10_000.0 < crate::sigmoid(log_odds));
                raw.push(3.0 * log_odds + 1.0);
            }
        }
        let calibration = fit_platt(&labels, &raw).unwrap().unwrap();
        assert!((calibration.a - 1.0 / 3.0).abs() < 1e-3 && (calibration.b + 1.0 / 3.0).abs() < 1e-3);
        let backwards: Vec<f64> = raw.iter().map(|raw| -raw).collect();
        assert_eq!(fit_platt(&labels, &backwards).unwrap(), None);
        assert!(fit_platt(&[true, true, false], &[9.0, 8.0, -9.0]).unwrap().unwrap().a.is_finite());
    }
}
