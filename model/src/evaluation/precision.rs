//! Precision and recall over all thresholds.

/// A threshold on the score, with the precision and recall of alarms at or above it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrecisionRecall {
    /// Alarms are the rows with at least this score.
    pub score: f64,
    /// Share of the alarms with a true label, 0 to 1.
    pub precision: f64,
    /// Share of the true labels that have an alarm.
    pub recall: f64,
}

/// The curve, from the highest score down: one point for each distinct score. Empty without a true label.
///
/// # Panics
/// If the lengths differ.
pub fn precision_recall(labels: &[bool], scores: &[f64]) -> Vec<PrecisionRecall> {
    assert_eq!(labels.len(), scores.len(), "labels, scores");
    let positives = labels.iter().filter(|&&label| label).count() as f64;
    if positives == 0.0 {
        return Vec::new();
    }
    let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    // Equal scores make one step, so their order does not matter.
    rows.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
    let (mut found, mut seen) = (0.0, 0.0);
    rows.chunk_by(|one, other| one.0 == other.0)
        .map(|ties| {
            found += ties.iter().filter(|(_, label)| *label).count() as f64;
            seen += ties.len() as f64;
            PrecisionRecall { score: ties[0].0, precision: found / seen, recall: found / positives }
        })
        .collect()
}

/// Average precision: the sum over the curve, from the highest score down, of precision times the increase in recall;
/// equal scores are one step. It is the area under the precision-recall curve without interpolation; a random score
/// gets the base rate. `None` without a true label.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use stormglass_model::evaluation::average_precision;
/// let labels = [true, false, true, false];
/// // Found at ranks 1 and 3: (1/1 + 2/3) / 2.
/// let found = average_precision(&labels, &[0.9, 0.8, 0.7, 0.1]).unwrap();
/// assert!((found - 5.0 / 6.0).abs() < 1e-15);
/// // All equal: one step, at the base rate.
/// assert_eq!(average_precision(&labels, &[0.5; 4]), Some(0.5));
/// assert_eq!(average_precision(&[false; 4], &[0.5; 4]), None);
/// ```
pub fn average_precision(labels: &[bool], scores: &[f64]) -> Option<f64> {
    let curve = precision_recall(labels, scores);
    let mut recall = 0.0;
    let step = |point: &PrecisionRecall| {
        let added = point.recall - recall;
        recall = point.recall;
        added * point.precision
    };
    (!curve.is_empty()).then(|| curve.iter().map(step).sum())
}

/// The greatest recall of any threshold whose precision is at least `precision`; 0 if there is none.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use stormglass_model::evaluation::recall_at_precision;
/// let labels = [true, false, true, false, true];
/// let scores = [0.9, 0.8, 0.7, 0.6, 0.5];
/// // Alarms 1..3 are right two times in three, all five three times in five.
/// assert_eq!(recall_at_precision(&labels, &scores, 0.65), 2.0 / 3.0);
/// assert_eq!(recall_at_precision(&labels, &scores, 0.5), 1.0);
/// ```
pub fn recall_at_precision(labels: &[bool], scores: &[f64], precision: f64) -> f64 {
    let curve = precision_recall(labels, scores);
    let enough = curve.iter().filter(|point| point.precision >= precision);
    enough.map(|point| point.recall).fold(0.0, f64::max)
}
