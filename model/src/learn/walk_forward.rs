//! Walk-forward evaluation: each part of the data is scored by a model of the earlier data, all symbols at the same
//! instants.

use super::{dataset::Dataset, error::LearnError};

/// Rows to learn from and later rows to evaluate on. The constructor guarantees that no label of a training row uses
/// the seconds of a test row, nor those of the embargo before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    train: Vec<usize>,
    test: Vec<usize>,
}

impl Fold {
    /// A fold of these rows of the data, given by their event times; `gap_s` is the labels' horizon and the embargo.
    ///
    /// # Errors
    /// [`LearnError::Future`] if a training row's time plus the gap reaches a test row's time.
    pub fn new(times_s: &[i64], train: Vec<usize>, test: Vec<usize>, gap_s: i64) -> Result<Self, LearnError> {
        let latest = train.iter().map(|&row| times_s[row]).max();
        let earliest = test.iter().map(|&row| times_s[row]).min();
        if let (Some(train_s), Some(test_s)) = (latest, earliest)
            && train_s.saturating_add(gap_s) >= test_s
        {
            return Err(LearnError::Future { train_s, test_s, gap_s });
        }
        Ok(Self { train, test })
    }

    /// Positions of the training rows.
    pub fn train(&self) -> &[usize] {
        &self.train
    }

    /// Positions of the test rows.
    pub fn test(&self) -> &[usize] {
        &self.test
    }
}

/// How rows are cut, in the order of time, into training and test parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WalkForward {
    /// Share of the rows, the first by time, that is only learned from.
    pub first_share: f64,
    /// Number of parts, of about equal size, that the rest is cut into.
    pub folds: usize,
    /// Horizon of the labels in seconds.
    pub horizon_s: u32,
    /// Seconds left out before a test part in addition to the horizon: the longest window that matters to most
    /// features.
    pub embargo_s: u32,
}

impl Default for WalkForward {
    fn default() -> Self {
        Self { first_share: 0.4, folds: 5, horizon_s: 60, embargo_s: 300 }
    }
}

impl WalkForward {
    /// Seconds between the last training row and the first test row.
    pub fn gap_s(&self) -> i64 {
        i64::from(self.horizon_s) + i64::from(self.embargo_s)
    }

    /// The folds over all rows, by time; each learns from all rows before it, less the gap. Only rows for which
    /// `judged` is true are test rows.
    ///
    /// # Errors
    /// [`LearnError::Option`] for no folds or a share outside 0..1; [`LearnError::Dataset`] if no row is left to test.
    pub fn folds(&self, times_s: &[i64], judged: impl Fn(usize) -> bool) -> Result<Vec<Fold>, LearnError> {
        if !(0.0..1.0).contains(&self.first_share) {
            let what = format!("{} is not from 0 to below 1", self.first_share);
            return Err(LearnError::Option { option: "first_share", what });
        }
        let mut sorted: Vec<i64> = times_s.to_vec();
        sorted.sort_unstable();
        let first = (sorted.len() as f64 * self.first_share) as usize;
        let start_s = sorted.get(first).copied().unwrap_or(i64::MAX);
        let judged: Vec<usize> =
            (0..times_s.len()).filter(|&row| times_s[row] >= start_s && judged(row)).collect();
        let fold = |test, from_s: i64| {
            let before = |&row: &usize| times_s[row].saturating_add(self.gap_s()) < from_s;
            Fold::new(times_s, (0..times_s.len()).filter(before).collect(), test, self.gap_s())
        };
        self.parts(times_s, &judged)?.into_iter().map(|(from_s, test)| fold(test, from_s)).collect()
    }

    /// The test parts for a model that is not refitted: every fold has the same training rows, those for which
    /// `learned` is true, less the gap before the first test row. All rows may be tested; none is kept back.
    ///
    /// # Errors
    /// [`LearnError::Option`] for no folds; [`LearnError::Dataset`] if no row is left to test.
    pub fn folds_of_finished(
        &self,
        times_s: &[i64],
        learned: impl Fn(usize) -> bool,
        judged: impl Fn(usize) -> bool,
    ) -> Result<Vec<Fold>, LearnError> {
        let judged: Vec<usize> = (0..times_s.len()).filter(|&row| judged(row)).collect();
        let first_s = judged.iter().map(|&row| times_s[row]).min().unwrap_or(i64::MAX);
        let before = |&row: &usize| learned(row) && times_s[row].saturating_add(self.gap_s()) < first_s;
        let train: Vec<usize> = (0..times_s.len()).filter(before).collect();
        let fold = |test| Fold::new(times_s, train.clone(), test, self.gap_s());
        self.parts(times_s, &judged)?.into_iter().map(|(_, test)| fold(test)).collect()
    }

    /// Cuts the test rows into parts: the start of each, and its rows.
    fn parts(&self, times_s: &[i64], judged: &[usize]) -> Result<Vec<(i64, Vec<usize>)>, LearnError> {
        if self.folds == 0 {
            return Err(LearnError::Option { option: "folds", what: "0: at least one is needed".to_owned() });
        }
        let mut order: Vec<i64> = judged.iter().map(|&row| times_s[row]).collect();
        order.sort_unstable();
        if order.is_empty() {
            return Err(LearnError::Dataset("no row is left to judge by".to_owned()));
        }
        // Cuts are instants, the same for all symbols.
        let mut cuts: Vec<i64> = (0..self.folds).map(|fold| order[fold * order.len() / self.folds]).collect();
        cuts.push(i64::MAX);
        cuts.dedup();
        let rows = |from_s: i64, until_s: i64| {
            judged.iter().copied().filter(|&row| (from_s..until_s).contains(&times_s[row])).collect()
        };
        Ok(cuts.windows(2).map(|cut| (cut[0], rows(cut[0], cut[1]))).collect())
    }
}

/// A random split, as an earlier system was evaluated: a random half of the rows to learn from, and the other half to
/// test. Neighbouring rows share most of their seconds, so the model has nearly seen the test rows. It serves only to
/// show that effect.
pub fn random_halves(data: &Dataset, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut random = super::random::Random::new(seed);
    (0..data.len()).partition(|_| random.next_u64() & 1 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_cover_the_rest_once_and_keep_their_distance() {
        // Two symbols on the same instants.
        let times: Vec<i64> = (0..4000).map(|row| (row % 2000) * 5).collect();
        let walk = WalkForward::default();
        let folds = walk.folds(&times, |_| true).unwrap();
        assert_eq!(folds.len(), 5);
        let mut seen: Vec<usize> = folds.iter().flat_map(|fold| fold.test().to_vec()).collect();
        seen.sort_unstable();
        let expected: Vec<usize> = (0..4000).filter(|&row| times[row] >= 800 * 5).collect();
        assert_eq!(seen, expected, "every row after the first 40 % is judged once");
        for fold in &folds {
            let latest = fold.train().iter().map(|&row| times[row]).max().unwrap();
            let earliest = fold.test().iter().map(|&row| times[row]).min().unwrap();
            assert!(latest + 360 < earliest && latest + 365 >= earliest, "{latest} {earliest}");
        }
    }

    #[test]
    fn a_finished_model_is_judged_on_all_rows_and_what_stands_beside_it_learns_once() {
        let times: Vec<i64> = (0..4000).map(|row| (row % 2000) * 5).collect();
        let learned = |row: usize| (1000..=3000).contains(&times[row]);
        let folds =
            WalkForward::default().folds_of_finished(&times, learned, |row| times[row] > 3060).unwrap();
        let train: Vec<usize> = (0..4000).filter(|&row| learned(row) && times[row] + 360 < 3065).collect();
        assert_eq!(folds.iter().map(|fold| fold.test().len()).sum::<usize>(), 2 * (2000 - 613));
        assert_eq!(folds.len(), 5);
        assert!(folds.iter().all(|fold| fold.train() == train), "less the gap");
        assert!(WalkForward::default().folds_of_finished(&times, learned, |_| false).is_err());
        let none = WalkForward { folds: 0, ..WalkForward::default() };
        assert!(none.folds_of_finished(&times, learned, |_| true).is_err());
    }

    #[test]
    fn a_fold_that_touches_the_future_cannot_be_made() {
        let times = [0, 100, 500, 600];
        let refused = Fold::new(&times, vec![0, 1], vec![2], 400).unwrap_err();
        assert!(matches!(refused, LearnError::Future { train_s: 100, test_s: 500, gap_s: 400 }), "{refused}");
        assert!(Fold::new(&times, vec![3], vec![2], 0).is_err(), "learned from what came later");
        assert!(Fold::new(&times, vec![0, 1], vec![2, 3], 399).is_ok());
        assert!(WalkForward::default().folds(&[], |_| true).is_err());
    }
}
