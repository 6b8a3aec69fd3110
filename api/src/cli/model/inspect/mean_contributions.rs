//! The mean contributions of a model's features to its scores of the self-test rows.

use model::{Model, schema::FeatureName};

/// The mean absolute contribution of each feature to the raw score of the last output, over the self-test rows; largest
/// first. Empty if there are no rows or no explanations.
pub(super) fn mean_contributions(model: &Model) -> Vec<(&FeatureName, f64)> {
    let features = &model.info().features;
    let mut sums = vec![0.0; features.len()];
    let rows = model.self_test_rows();
    let count = rows.len() / features.len();
    for row in rows.chunks_exact(features.len()) {
        let Ok(explanation) = model.explain(row) else { return Vec::new() };
        let last = explanation.base_values.len() - 1;
        for (sum, part) in sums.iter_mut().zip(explanation.of_output(last)) {
            *sum += part.abs() / count as f64;
        }
    }
    let mut means: Vec<_> = features.iter().zip(sums).filter(|_| count > 0).collect();
    means.sort_by(|a, b| b.1.total_cmp(&a.1));
    means
}
