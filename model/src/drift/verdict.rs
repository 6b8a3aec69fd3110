//! Verdicts on a column and on a data set, as Evidently gives them.

use super::{
    default_method,
    method::{Method, NotApplicable},
    sample::Pair,
};

/// Share of drifted columns from which on the data set counts as drifted.
pub const DRIFT_SHARE: f64 = 0.5;
/// Fewest values of a side for a verdict. Evidently has no such bound.
pub const ROWS_MIN: usize = 10;

/// The verdict on a column, with the method, score and threshold that led to it.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// The method that gave the score.
    pub method: &'static Method,
    /// The method's score: a p-value or a distance.
    pub score: f64,
    /// The threshold that the score was compared with.
    pub threshold: f64,
    /// Whether the column drifted by that score.
    pub drifted: bool,
}

impl Verdict {
    /// The verdict by a method and a threshold; `None` takes Evidently's default threshold of the method.
    ///
    /// # Errors
    /// [`NotApplicable`] if the method has no score for the column.
    pub fn of(
        pair: &Pair,
        method: Option<&'static Method>,
        threshold: Option<f64>,
    ) -> Result<Self, NotApplicable> {
        let method = method.unwrap_or_else(|| default_method(pair));
        let score = method.score(pair)?;
        Ok(Self::by(method, score, threshold))
    }

    /// The verdict by a score that was computed before.
    pub fn by(method: &'static Method, score: f64, threshold: Option<f64>) -> Self {
        let threshold = threshold.unwrap_or(method.threshold);
        Self { method, score, threshold, drifted: method.drifts(score, threshold) }
    }
}

/// The reason, by its name in reports, why a column with these numbers of reference and current values cannot be
/// judged; `None` if it can.
pub fn unjudged((reference, current): (usize, usize)) -> Option<&'static str> {
    match (reference, current) {
        (0, 0) => Some("no_values"),
        (0, _) => Some("no_reference_values"),
        (_, 0) => Some("no_current_values"),
        _ if reference.min(current) < ROWS_MIN => Some("too_few_values"),
        _ => None,
    }
}

/// Whether the data set as a whole drifted: at least the share `share` of the `judged` columns did. False if no column
/// was judged.
pub fn dataset_drifts(drifted: usize, judged: usize, share: f64) -> bool {
    judged > 0 && drifted as f64 / judged as f64 >= share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_columns_is_drift_of_the_whole() {
        assert!(dataset_drifts(5, 10, DRIFT_SHARE) && !dataset_drifts(4, 9, DRIFT_SHARE));
        assert!(!dataset_drifts(0, 0, DRIFT_SHARE));
        assert_eq!(unjudged((10, 10)), None);
        assert_eq!(unjudged((9, 5_000)), Some("too_few_values"));
        assert_eq!(unjudged((5_000, 0)), Some("no_current_values"));
    }
}
