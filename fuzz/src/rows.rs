//! Rows to score.

use model::Score;

/// Values of which rows are made: the usual, the missing and the extreme.
const VALUES: [f64; 11] =
    [0.0, -0.0, 1.0, -1.0, 0.5, 3.7, 1e-36, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300];

/// Rows of one value, and one of all of them in turn.
pub(crate) fn doubles(width: usize) -> impl Iterator<Item = Vec<f64>> {
    let mixed = (0..width).map(|at| VALUES[at % VALUES.len()]).collect();
    [0.0, f64::NAN, f64::INFINITY].map(|value| vec![value; width]).into_iter().chain([mixed])
}

/// The same rows in f32.
pub(crate) fn singles(width: usize) -> impl Iterator<Item = Vec<f32>> {
    doubles(width).map(|row| row.into_iter().map(|value| value as f32).collect())
}

/// A score as bits that can be compared.
///
/// # Panics
/// If it is NaN, which no score is.
pub(crate) fn bits(score: Score) -> [u64; 2] {
    assert!(!score.log_odds.is_nan() && !score.probability.is_nan(), "{score:?}");
    [score.log_odds.to_bits(), score.probability.to_bits()]
}
