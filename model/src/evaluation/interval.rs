//! Metrics of an interval forecast: coverage and width.

/// The interval score (Winkler 1972; Gneiting and Raftery 2007, eq. 43) of an interval that is to hold `coverage` of
/// the outcomes: its width, plus `2 / (1 - coverage)` times the distance by which the outcome lies outside. In the unit
/// of the ends; lower is better. In the mean over many outcomes the true quantiles score best, so neither a wide
/// interval nor a narrow one gains.
///
/// ```
/// use stormglass_model::evaluation::interval_score;
/// assert_eq!(interval_score(1.0, 3.0, 2.0, 0.9), 2.0);
/// assert!((interval_score(1.0, 3.0, 3.5, 0.9) - (2.0 + 20.0 * 0.5)).abs() < 1e-12);
/// assert!((interval_score(1.0, 3.0, 0.5, 0.9) - (2.0 + 20.0 * 0.5)).abs() < 1e-12);
/// ```
pub fn interval_score(low: f64, high: f64, outcome: f64, coverage: f64) -> f64 {
    let outside = (low - outcome).max(outcome - high).max(0.0);
    high - low + 2.0 / (1.0 - coverage) * outside
}

/// An interval compared with its outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedInterval {
    /// Whether the outcome lies inside, ends included.
    pub is_held: bool,
    /// The interval's width, in the unit of its ends.
    pub width: f64,
    /// The interval's [`interval_score`], in the unit of its bounds.
    pub score: f64,
}

impl JudgedInterval {
    /// Compares an interval that is to hold `coverage` of the outcomes with its outcome.
    pub fn new(low: f64, high: f64, outcome: f64, coverage: f64) -> Self {
        Self {
            is_held: (low..=high).contains(&outcome),
            width: high - low,
            score: interval_score(low, high, outcome, coverage),
        }
    }
}

/// Means over intervals and their outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct IntervalTally {
    rows: u64,
    held: u64,
    width: f64,
    score: f64,
}

impl IntervalTally {
    /// Adds an interval.
    pub fn add(&mut self, interval: JudgedInterval) {
        self.rows += 1;
        self.held += u64::from(interval.is_held);
        self.width += interval.width;
        self.score += interval.score;
    }

    /// Number of intervals.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Share of the outcomes that lie inside, ends included; 0 without any.
    pub fn coverage(&self) -> f64 {
        self.held as f64 / self.rows.max(1) as f64
    }

    /// Mean width, in the unit of the ends; 0 without any.
    pub fn mean_width(&self) -> f64 {
        self.width / self.rows.max(1) as f64
    }

    /// Mean [`interval_score`], in the unit of the ends; 0 without any.
    pub fn mean_score(&self) -> f64 {
        self.score / self.rows.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vacuous_interval_holds_everything_and_scores_worse_than_the_quantiles() {
        let (mut vacuous, mut quantiles, mut narrow) =
            (IntervalTally::default(), IntervalTally::default(), IntervalTally::default());
        for step in 0..1_000 {
            let outcome = f64::from(step) / 1_000.0;
            vacuous.add(JudgedInterval::new(0.0, 20.0, outcome, 0.9));
            quantiles.add(JudgedInterval::new(0.05, 0.9495, outcome, 0.9));
            narrow.add(JudgedInterval::new(0.4, 0.6, outcome, 0.9));
        }
        assert_eq!((vacuous.rows(), vacuous.coverage(), vacuous.mean_width()), (1_000, 1.0, 20.0));
        assert!((quantiles.coverage() - 0.9).abs() < 1e-12);
        assert!(quantiles.mean_score() < narrow.mean_score() && narrow.mean_score() < vacuous.mean_score());
        assert_eq!(IntervalTally::default().mean_score(), 0.0);
    }
}
