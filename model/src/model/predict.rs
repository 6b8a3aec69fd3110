//! Scores rows, one or many, to answers or to raw scores.

use super::{Member, Model};
use crate::{
    combine,
    forest::{Kernel, wide::OUTPUTS_MAX},
    link::Outputs,
    row::{FeatureValue, Row},
};

/// Most rows that a batch passes to a member at a time.
const BATCH_ROWS: usize = 32;

impl Model {
    /// The answer for one row: a probability, or the imported library's answer (see [`Model::gives_probability`]). It
    /// is never NaN, whatever the row, and its bits are the same on every machine.
    ///
    /// A row holds one value for each of `info().features`, in that order; NaN is a missing value, and an infinite one
    /// is beyond every threshold. Nothing is allocated.
    ///
    /// # Panics
    /// If the row's length is not the number of features, or the model gives several answers a row
    /// ([`Model::answer_count`]): [`Model::predict_batch`] gives all of them.
    #[inline]
    pub fn predict<T: FeatureValue>(&self, row: &[T]) -> f64 {
        if let Some(outputs) = &self.outputs {
            return self.predict_linked(row, outputs);
        }
        assert_eq!(row.len(), self.info.features.len(), "values in the row, features of the model");
        let sum = self.weighted_sum::<false, _>(row);
        combine::sigmoid(combine::calibrated(sum, self.info.calibration))
    }

    /// All answers for many rows. `rows` is row-major; `answers` has room for [`Model::answer_count`] numbers for each
    /// row, one row after the other, with the same bits as for the row alone. Nothing is allocated.
    ///
    /// # Panics
    /// If the lengths of `rows` and `answers` do not match.
    pub fn predict_batch<T: FeatureValue>(&self, rows: &[T], answers: &mut [f64]) {
        let (width, count) = (self.info.features.len(), self.answer_count());
        assert_eq!(rows.len() * count, answers.len() * width, "values times {count}, answers times {width}");
        if self.is_wide() {
            let mut scores = [0.0; OUTPUTS_MAX];
            let scores = &mut scores[..self.raw_count()];
            for (row, answers) in rows.chunks_exact(width).zip(answers.chunks_exact_mut(count)) {
                self.raw::<false, _>(row, scores);
                let outputs = self.outputs.as_ref().expect("a wide forest has outputs");
                outputs.apply(scores);
                answers.copy_from_slice(&scores[..count]);
            }
            return;
        }
        if let [answer] = answers {
            *answer = self.predict(rows);
            return;
        }
        for (rows, answers) in rows.chunks(BATCH_ROWS * width).zip(answers.chunks_mut(BATCH_ROWS)) {
            self.predict_together(rows, answers);
        }
    }

    /// The raw scores of one row, before the link: calibrated log-odds, margins, means of leaves. `scores` takes
    /// [`Model::raw_count`] numbers. Nothing is allocated.
    ///
    /// # Panics
    /// If the row's length is not the number of features, or that of `scores` is not [`Model::raw_count`].
    pub fn predict_raw<T: FeatureValue>(&self, row: &[T], scores: &mut [f64]) {
        self.raw::<false, _>(row, scores);
    }

    /// As [`Model::predict_raw`], with bounds checks everywhere: the reference that tests compare the unchecked walks
    /// with.
    ///
    /// # Panics
    /// As [`Model::predict_raw`].
    #[doc(hidden)]
    pub fn predict_raw_checked<T: FeatureValue>(&self, row: &[T], scores: &mut [f64]) {
        self.raw::<true, _>(row, scores);
    }

    /// Walks the forests by other instructions than this machine's fastest, for tests and benchmarks. Returns false and
    /// changes nothing if the machine lacks them.
    #[doc(hidden)]
    pub fn set_kernel(&mut self, kernel: Kernel) -> bool {
        self.members.iter_mut().all(|(_, member)| match member {
            Member::Forest(forest) => forest.set_kernel(kernel),
            Member::Wide(_) | Member::Linear(_) => true,
        })
    }

    /// Whether the only member is a wide forest, which may give several sums for a row and read prepared rows.
    fn is_wide(&self) -> bool {
        matches!(self.members.as_slice(), [(_, Member::Wide(_))])
    }

    /// The single answer of a model with its own link.
    fn predict_linked<R: Row + ?Sized>(&self, row: &R, outputs: &Outputs) -> f64 {
        assert_eq!(outputs.answer_count(), 1, "answers of the model: `predict_batch` gives several");
        match outputs.raw_count() {
            1 => self.first_answer(row, outputs, &mut [0.0]),
            count => self.answer_of_many(row, outputs, count),
        }
    }

    // Never inlined: its scores take much room on the stack.
    #[inline(never)]
    fn answer_of_many<R: Row + ?Sized>(&self, row: &R, outputs: &Outputs, count: usize) -> f64 {
        self.first_answer(row, outputs, &mut [0.0; OUTPUTS_MAX][..count])
    }

    #[inline]
    fn first_answer<R: Row + ?Sized>(&self, row: &R, outputs: &Outputs, scores: &mut [f64]) -> f64 {
        self.sums::<false, _>(row, scores);
        outputs.finish_raw(scores);
        outputs.apply(scores);
        scores[0]
    }

    /// Scores up to [`BATCH_ROWS`] rows, member by member, for a model of one answer.
    fn predict_together<T: FeatureValue>(&self, rows: &[T], answers: &mut [f64]) {
        let mut row_slices: [&[T]; BATCH_ROWS] = [&[]; BATCH_ROWS];
        for (slice, row) in row_slices.iter_mut().zip(rows.chunks_exact(self.info.features.len())) {
            *slice = row;
        }
        let (rows, mut scores) = (&row_slices[..answers.len()], [0.0; BATCH_ROWS]);
        // As `combine::weighted_sum`: from zero, in the order of the members.
        answers.fill(0.0);
        for (weight, member) in &self.members {
            match member {
                Member::Forest(forest) => forest.score_together(rows, &mut scores),
                Member::Linear(linear) => {
                    for (row, score) in rows.iter().zip(&mut scores) {
                        *score = linear.score(*row);
                    }
                }
                Member::Wide(_) => unreachable!("`check_outputs` lets a wide member stand alone only"),
            }
            for (sum, score) in answers.iter_mut().zip(scores) {
                *sum += weight * score;
            }
        }
        for answer in answers {
            *answer = match &self.outputs {
                Some(outputs) => {
                    let mut one = [*answer];
                    outputs.finish_raw(&mut one);
                    outputs.apply(&mut one);
                    one[0]
                }
                None => combine::sigmoid(combine::calibrated(*answer, self.info.calibration)),
            };
        }
    }

    #[inline]
    fn raw<const CHECKED: bool, R: Row + ?Sized>(&self, row: &R, scores: &mut [f64]) {
        self.sums::<CHECKED, _>(row, scores);
        match &self.outputs {
            Some(outputs) => outputs.finish_raw(scores),
            None => scores[0] = combine::calibrated(scores[0], self.info.calibration),
        }
    }

    /// The members' sums, one for each raw score.
    #[inline]
    fn sums<const CHECKED: bool, R: Row + ?Sized>(&self, row: &R, sums: &mut [f64]) {
        assert_eq!(row.width(), self.info.features.len(), "values in the row, features of the model");
        assert_eq!(sums.len(), self.raw_count(), "places for scores, raw scores of the model");
        match self.members.as_slice() {
            [(_, Member::Wide(forest))] => match &self.preparation {
                None => forest.score(row, sums),
                Some(preparation) => forest.score(&preparation.over(row), sums),
            },
            _ => sums[0] = self.weighted_sum::<CHECKED, _>(row),
        }
    }

    #[inline]
    fn weighted_sum<const CHECKED: bool, R: Row + ?Sized>(&self, row: &R) -> f64 {
        combine::weighted_sum(self.members.iter().map(|(weight, member)| {
            let log_odds = match member {
                Member::Forest(forest) => forest.score::<CHECKED, R>(row),
                Member::Linear(linear) => linear.score(row),
                Member::Wide(_) => unreachable!("`check_outputs` lets a wide member stand alone only"),
            };
            (*weight, log_odds)
        }))
    }
}
