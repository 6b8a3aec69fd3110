//! Means over rows of how far a probability was from what happened.

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
/// let score = model::metrics::brier(&[true, false], &[0.75, 0.5]);
/// assert_eq!(score, (0.0625 + 0.25) / 2.0);
/// ```
pub fn brier(labels: &[bool], probabilities: &[f64]) -> f64 {
    mean(labels, probabilities, |label, probability| {
        let miss = probability - f64::from(u8::from(label));
        miss * miss
    })
}

/// Brier skill: `1 - brier / brier of always saying the base rate`. 1 is perfect, 0 no better than the base rate. 0
/// where all labels are equal.
///
/// # Panics
/// If the lengths differ.
pub fn brier_skill(labels: &[bool], probabilities: &[f64]) -> f64 {
    skill(brier(labels, probabilities), base_rate(labels))
}

/// `1 - brier / (rate * (1 - rate))`; 0 where all labels are equal.
pub(super) fn skill(brier: f64, rate: f64) -> f64 {
    let reference = rate * (1.0 - rate);
    if reference == 0.0 { 0.0 } else { 1.0 - brier / reference }
}

/// Mean log loss, in nats; probabilities are kept 1e-15 away from 0 and 1. 0 for no labels.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// let loss = model::metrics::log_loss(&[true, false], &[0.5, 0.75]);
/// assert!((loss - (0.5_f64.ln() + 0.25_f64.ln()) / -2.0).abs() < 1e-15);
/// ```
pub fn log_loss(labels: &[bool], probabilities: &[f64]) -> f64 {
    mean(labels, probabilities, |label, probability| {
        let probability = probability.clamp(1e-15, 1.0 - 1e-15);
        -libm::log(if label { probability } else { 1.0 - probability })
    })
}

fn mean(labels: &[bool], probabilities: &[f64], of: impl Fn(bool, f64) -> f64) -> f64 {
    assert_eq!(labels.len(), probabilities.len(), "labels, probabilities");
    let sum: f64 =
        labels.iter().zip(probabilities).map(|(&label, &probability)| of(label, probability)).sum();
    sum / labels.len().max(1) as f64
}
