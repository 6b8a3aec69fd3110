//! Mean losses of probabilities.

use super::tally::RELIABILITY_BINS;

/// Share of labels that are true. 0 for no labels.
pub fn base_rate(labels: &[bool]) -> f64 {
    labels.iter().filter(|&&label| label).count() as f64 / labels.len().max(1) as f64
}

/// Brier score (Brier 1950): the mean of `(probability - label)^2`. Lower is better. 0 for no labels.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// let score = stormglass_model::evaluation::brier(&[true, false], &[0.75, 0.5]);
/// assert_eq!(score, (0.0625 + 0.25) / 2.0);
/// ```
pub fn brier(labels: &[bool], probabilities: &[f64]) -> f64 {
    mean(labels, probabilities, |label, probability| {
        let miss = probability - f64::from(u8::from(label));
        miss * miss
    })
}

/// Brier skill: `1 - brier / brier of always predicting the base rate`. 1 is perfect, 0 no better than the base rate. 0
/// if all labels are equal.
///
/// # Panics
/// If the lengths differ.
pub fn brier_skill(labels: &[bool], probabilities: &[f64]) -> f64 {
    skill(brier(labels, probabilities), base_rate(labels))
}

/// `1 - brier / (rate * (1 - rate))`; 0 if all labels are equal.
pub(super) fn skill(brier: f64, rate: f64) -> f64 {
    let reference = rate * (1.0 - rate);
    if reference == 0.0 { 0.0 } else { 1.0 - brier / reference }
}

/// Mean log loss, in nats; probabilities are clamped to at least 1e-15 from 0 and 1. 0 for no labels.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// let loss = stormglass_model::evaluation::log_loss(&[true, false], &[0.5, 0.75]);
/// assert!((loss - (0.5_f64.ln() + 0.25_f64.ln()) / -2.0).abs() < 1e-15);
/// ```
pub fn log_loss(labels: &[bool], probabilities: &[f64]) -> f64 {
    mean(labels, probabilities, |label, probability| {
        let probability = probability.clamp(1e-15, 1.0 - 1e-15);
        -libm::log(if label { probability } else { 1.0 - probability })
    })
}

/// Expected calibration error over [`RELIABILITY_BINS`] bins of equally many rows, in the order of their probabilities:
/// if most probabilities are low, it resolves them more finely than bins of equal width do. 0 for no rows.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use stormglass_model::evaluation::equal_mass_calibration_error;
/// // As many rows as bins: each is its own gap.
/// let labels: Vec<bool> = (0..20).map(|row| row == 19).collect();
/// assert!((equal_mass_calibration_error(&labels, &[0.25; 20]) - (19.0 * 0.25 + 0.75) / 20.0).abs() < 1e-15);
/// ```
pub fn equal_mass_calibration_error(labels: &[bool], probabilities: &[f64]) -> f64 {
    assert_eq!(labels.len(), probabilities.len(), "labels, probabilities");
    let mut rows: Vec<(f64, f64)> =
        labels.iter().zip(probabilities).map(|(&label, &p)| (p, f64::from(u8::from(label)))).collect();
    // Stable: equal probabilities keep the order of the rows.
    rows.sort_by(|one, other| one.0.total_cmp(&other.0));
    let bin = |place: usize| {
        &rows[place * rows.len() / RELIABILITY_BINS..(place + 1) * rows.len() / RELIABILITY_BINS]
    };
    let gap =
        |rows: &[(f64, f64)]| rows.iter().map(|(probability, label)| probability - label).sum::<f64>().abs();
    (0..RELIABILITY_BINS).map(|place| gap(bin(place))).sum::<f64>() / rows.len().max(1) as f64
}

fn mean(labels: &[bool], probabilities: &[f64], of: impl Fn(bool, f64) -> f64) -> f64 {
    assert_eq!(labels.len(), probabilities.len(), "labels, probabilities");
    // Starts from 0, because `sum` of no rows is negative zero, which is printed as such.
    let misses = labels.iter().zip(probabilities).map(|(&label, &probability)| of(label, probability));
    let sum = misses.fold(0.0, |sum, miss| sum + miss);
    sum / labels.len().max(1) as f64
}
