//! Rows to score.

/// Values of which rows are made: the usual, the missing and the extreme.
const VALUES: [f64; 11] =
    [0.0, -0.0, 1.0, -1.0, 0.5, 3.7, 1e-36, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300];

/// Rows of one value, and one of all of them in turn.
pub(crate) fn doubles(width: usize) -> impl Iterator<Item = Vec<f64>> {
    let mixed = (0..width).map(|at| VALUES[at % VALUES.len()]).collect();
    [0.0, f64::NAN, f64::INFINITY].map(|value| vec![value; width]).into_iter().chain([mixed])
}

/// The rows of [`doubles`] in f32.
pub(crate) fn singles(width: usize) -> impl Iterator<Item = Vec<f32>> {
    doubles(width).map(|row| row.into_iter().map(|value| value as f32).collect())
}

/// Scores or answers as bits that can be compared.
///
/// # Panics
/// If one is NaN, which none ever is.
pub(crate) fn bits(scores: &[f64]) -> Vec<u64> {
    assert!(!scores.iter().any(|score| score.is_nan()), "{scores:?}");
    scores.iter().map(|score| score.to_bits()).collect()
}
