//! What Evidently says of a column, and of all.

use super::{
    default_method,
    method::{Method, NotApplicable},
    sample::Pair,
};

/// Share of drifted columns from which the whole has drifted.
pub const DRIFT_SHARE: f64 = 0.5;
/// Values a side needs to be judged. Evidently has no such bound.
pub const ROWS_MIN: usize = 10;

/// A column judged.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// How.
    pub method: &'static Method,
    /// What came out: a p-value or a distance.
    pub score: f64,
    /// What it was held to.
    pub threshold: f64,
    /// Whether that is drift.
    pub drifted: bool,
}

impl Verdict {
    /// By a method and a threshold, by default Evidently's.
    ///
    /// # Errors
    /// [`NotApplicable`] where the method has no score for the column.
    pub fn of(
        pair: &Pair,
        method: Option<&'static Method>,
        threshold: Option<f64>,
    ) -> Result<Self, NotApplicable> {
        let method = method.unwrap_or_else(|| default_method(pair));
        let score = method.score(pair)?;
        Ok(Self::by(method, score, threshold))
    }

    /// Of a score that is already there.
    pub fn by(method: &'static Method, score: f64, threshold: Option<f64>) -> Self {
        let threshold = threshold.unwrap_or(method.threshold);
        Self { method, score, threshold, drifted: method.drifts(score, threshold) }
    }
}

/// Why a column with so many values in its reference and now cannot be judged, as a name for reports, if it cannot.
pub fn unjudged((reference, current): (usize, usize)) -> Option<&'static str> {
    match (reference, current) {
        (0, 0) => Some("no_values"),
        (0, _) => Some("no_reference_values"),
        (_, 0) => Some("no_current_values"),
        _ if reference.min(current) < ROWS_MIN => Some("too_few_values"),
        _ => None,
    }
}

/// Whether so many drifted columns of so many judged are drift of the whole. Of none there is none.
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
