//! Compares two models on the same rows before one replaces the other.

use std::time::Instant;

use engine::{bound_model::BoundModel, features::Row};
use schemars::JsonSchema;
use serde::Serialize;

use super::Bounds;

/// The comparison of the active and the new model on the newest real rows, each with its own threshold.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct Comparison {
    /// Rows that both scored; without rows the comparison proves nothing.
    pub rows: usize,
    /// Rows that one model calls a spike and the other does not.
    pub flips: usize,
    /// `flips` divided by `rows`; 0 without rows.
    pub flip_rate: f64,
    /// Greatest difference of the two probabilities of a row.
    pub score_difference_max: f64,
    /// Mean absolute difference of the two probabilities.
    pub score_difference_mean: f64,
    /// The active model.
    pub before: Side,
    /// The model that is to replace it.
    pub after: Side,
    /// The bound on `flip_rate`.
    pub max_flip_rate: f64,
    /// The bound on `score_difference_max`.
    pub max_score_difference: f64,
    /// Whether both bounds hold.
    pub within_bounds: bool,
}

/// The results of one model.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct Side {
    /// Probability from which the model calls a spike.
    pub threshold: f64,
    /// Number of rows that it calls a spike.
    pub spikes: usize,
    /// Wall-clock time for scoring a row, nanoseconds.
    pub ns_per_row: f64,
}

fn score(model: &BoundModel, rows: &[Row]) -> (Vec<f64>, f64) {
    let begun = Instant::now();
    let scores: Vec<f64> = rows.iter().map(|row| model.score(row)).collect();
    (scores, begun.elapsed().as_nanos() as f64 / rows.len().max(1) as f64)
}

/// Scores the rows by both. Pages of a model that were not read yet are read here, off the shards.
pub fn compare(before: &BoundModel, after: &BoundModel, rows: &[Row], bounds: Bounds) -> Comparison {
    let (old, old_ns) = score(before, rows);
    let (new, new_ns) = score(after, rows);
    let side = |model: &BoundModel, scores: &[f64], ns_per_row: f64| {
        let threshold = model.info().threshold;
        Side { threshold, spikes: scores.iter().filter(|&&score| score >= threshold).count(), ns_per_row }
    };
    let pairs = || old.iter().zip(&new);
    let (old_threshold, new_threshold) = (before.info().threshold, after.info().threshold);
    let flips = pairs().filter(|&(&a, &b)| (a >= old_threshold) != (b >= new_threshold)).count();
    let difference = || pairs().map(|(a, b)| (a - b).abs());
    let share = |sum: f64| sum / rows.len().max(1) as f64;
    let (flip_rate, score_difference_max) = (share(flips as f64), difference().fold(0.0, f64::max));
    Comparison {
        rows: rows.len(),
        flips,
        flip_rate,
        score_difference_max,
        score_difference_mean: share(difference().sum()),
        before: side(before, &old, old_ns),
        after: side(after, &new, new_ns),
        max_flip_rate: bounds.flip_rate_max,
        max_score_difference: bounds.score_difference_max,
        within_bounds: flip_rate <= bounds.flip_rate_max
            && score_difference_max <= bounds.score_difference_max,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use engine::features::FEATURE_COUNT;

    use super::*;
    use crate::shipped;

    #[test]
    fn a_model_differs_from_itself_in_nothing_and_from_another_beyond_some_bound() {
        let [one, other] = ["ml", "baseline"]
            .map(|variant| BoundModel::new(Arc::new(shipped::model(variant).unwrap().unwrap())).unwrap());
        let rows: Vec<Row> = (0..64).map(|i| [i as f32 * 0.03 - 1.0; FEATURE_COUNT]).collect();
        let none = Bounds { flip_rate_max: 0.0, score_difference_max: 0.0 };
        let same = compare(&one, &one, &rows, none);
        assert_eq!((same.rows, same.flips, same.score_difference_max), (64, 0, 0.0));
        assert!(same.within_bounds, "{same:?}");
        let apart = compare(&one, &other, &rows, none);
        assert!(!apart.within_bounds && apart.score_difference_max > 0.0, "{apart:?}");
        assert!(apart.score_difference_mean <= apart.score_difference_max);
        let all = Bounds { flip_rate_max: 1.0, score_difference_max: 1.0 };
        assert!(compare(&one, &other, &rows, all).within_bounds);
        assert!(compare(&one, &other, &[], none).within_bounds, "nothing is proven, and nothing refuted");
    }
}
