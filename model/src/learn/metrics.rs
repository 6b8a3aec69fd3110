//! How good a probability is. Labels and scores are in the same order; none of these cares which.

/// Share of labels that are true. 0 for no labels.
pub fn base_rate(labels: &[bool]) -> f64 {
    labels.iter().filter(|&&label| label).count() as f64 / labels.len().max(1) as f64
}

/// Average precision: precision averaged over the recall it adds, from the highest score down; equal scores count as one
/// step. The area under the precision-recall curve without interpolation; a random score gets the base rate. 0 without
/// a true label.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use model::learn::metrics::average_precision;
/// let labels = [true, false, true, false];
/// // Found at ranks 1 and 3: (1/1 + 2/3) / 2.
/// assert!((average_precision(&labels, &[0.9, 0.8, 0.7, 0.1]) - 5.0 / 6.0).abs() < 1e-15);
/// // All equal: one step, at the base rate.
/// assert_eq!(average_precision(&labels, &[0.5; 4]), 0.5);
/// ```
pub fn average_precision(labels: &[bool], scores: &[f64]) -> f64 {
    let order = descending(labels, scores);
    let positives = labels.iter().filter(|&&label| label).count() as f64;
    if positives == 0.0 {
        return 0.0;
    }
    let (mut found, mut seen, mut sum) = (0.0, 0.0, 0.0);
    for ties in order.chunk_by(|&one, &other| scores[one] == scores[other]) {
        let found_here = ties.iter().filter(|&&row| labels[row]).count() as f64;
        found += found_here;
        seen += ties.len() as f64;
        sum += found_here / positives * (found / seen);
    }
    sum
}

/// Brier score: the mean of `(probability - label)^2`. Lower is better. 0 for no labels.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// let score = model::learn::metrics::brier(&[true, false], &[0.75, 0.5]);
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
    let rate = base_rate(labels);
    let reference = rate * (1.0 - rate);
    if reference == 0.0 { 0.0 } else { 1.0 - brier(labels, probabilities) / reference }
}

/// Mean log loss, in nats; probabilities are kept 1e-15 away from 0 and 1. 0 for no labels.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// let loss = model::learn::metrics::log_loss(&[true, false], &[0.5, 0.75]);
/// assert!((loss - (0.5_f64.ln() + 0.25_f64.ln()) / -2.0).abs() < 1e-15);
/// ```
pub fn log_loss(labels: &[bool], probabilities: &[f64]) -> f64 {
    mean(labels, probabilities, |label, probability| {
        let probability = probability.clamp(1e-15, 1.0 - 1e-15);
        -libm::log(if label { probability } else { 1.0 - probability })
    })
}

/// Expected calibration error: rows sorted by probability are cut into `bins` parts of equal size (the first ones one
/// larger where it does not divide); the mean of |mean probability - share of true labels| over rows.
///
/// # Panics
/// If the lengths differ, or `bins` is 0.
///
/// ```
/// use model::learn::metrics::expected_calibration_error;
/// let labels = [false, true, true, true];
/// let probabilities = [0.1, 0.2, 0.9, 0.8];
/// // Lower half: |0.15 - 0.5|; upper: |0.85 - 1|.
/// let error = expected_calibration_error(&labels, &probabilities, 2);
/// assert!((error - (0.35 + 0.15) / 2.0).abs() < 1e-12);
/// ```
pub fn expected_calibration_error(labels: &[bool], probabilities: &[f64], bins: usize) -> f64 {
    assert!(bins > 0, "at least one bin");
    let order = descending(labels, probabilities);
    let (size, larger) = (order.len() / bins, order.len() % bins);
    let mut rest = order.as_slice();
    let mut sum = 0.0;
    for bin in 0..bins {
        let (rows, after) = rest.split_at(size + usize::from(bin < larger));
        rest = after;
        let gap: f64 = rows.iter().map(|&row| probabilities[row] - f64::from(u8::from(labels[row]))).sum();
        sum += gap.abs();
    }
    sum / order.len().max(1) as f64
}

/// Positions from the highest score to the lowest, equal ones in their order.
fn descending(labels: &[bool], scores: &[f64]) -> Vec<usize> {
    assert_eq!(labels.len(), scores.len(), "labels, scores");
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&one, &other| scores[other].total_cmp(&scores[one]));
    order
}

fn mean(labels: &[bool], probabilities: &[f64], of: impl Fn(bool, f64) -> f64) -> f64 {
    assert_eq!(labels.len(), probabilities.len(), "labels, probabilities");
    let sum: f64 =
        labels.iter().zip(probabilities).map(|(&label, &probability)| of(label, probability)).sum();
    sum / labels.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_labels_and_one_outcome_give_numbers() {
        for labels in [&[][..], &[false, false], &[true, true]] {
            let probabilities = vec![0.3; labels.len()];
            for value in [
                base_rate(labels),
                average_precision(labels, &probabilities),
                brier(labels, &probabilities),
                brier_skill(labels, &probabilities),
                log_loss(labels, &probabilities),
                expected_calibration_error(labels, &probabilities, 10),
            ] {
                assert!(value.is_finite(), "{labels:?}: {value}");
            }
        }
    }

    #[test]
    fn the_base_rate_has_no_skill_and_certainty_has_all() {
        let labels = [true, false, false, false];
        assert_eq!(brier_skill(&labels, &[0.25; 4]), 0.0);
        assert_eq!(brier_skill(&labels, &[1.0, 0.0, 0.0, 0.0]), 1.0);
        assert_eq!(expected_calibration_error(&labels, &[0.25; 4], 1), 0.0);
    }
}
