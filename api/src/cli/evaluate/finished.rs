//! A finished candidate, a model or given scores: the rows for which it has a score, and the rows from which the ladder
//! below it learns.

use std::path::Path;

use model::learn::{Fold, LearnError, WalkForward};

use super::{Exit, Failure, training_span::TrainingSpan};
use crate::{
    evaluate::{Rows, Scored, time_text},
    text::grouped,
};

/// Least rows of the candidate's training from which the ladder can learn: from fewer it would be too easy to beat.
const LADDER_ROWS_MIN: usize = 1_000;

/// The rows of a finished candidate, and the time of its training.
pub(super) struct Finished {
    /// For each row, whether it may judge the candidate and has a score.
    has_score: Vec<bool>,
    scored: Scored,
    training: TrainingSpan,
}

impl Finished {
    /// `has_score` returns for each row whether the candidate has a score.
    pub(super) fn new(rows: &Rows, has_score: impl Fn(usize) -> bool, training: TrainingSpan) -> Self {
        let times_s = rows.dataset.times_s();
        let may_judge: Vec<bool> =
            (0..times_s.len()).map(|row| training.may_judge(rows.symbol(row), times_s[row])).collect();
        let has_score: Vec<bool> = (0..times_s.len()).map(|row| may_judge[row] && has_score(row)).collect();
        let count = |rows: &[bool]| rows.iter().filter(|row| **row).count();
        let scored = Scored { rows: count(&has_score), of_rows: count(&may_judge) };
        Self { has_score, scored, training }
    }

    /// Counts labelled rows, given by symbol and second, that the model had no score for when they came.
    pub(super) fn with_unanswered(mut self, unanswered: &[(String, i64)]) -> Self {
        let may_judge = |(symbol, second): &&(String, i64)| self.training.may_judge(symbol, *second);
        self.scored.of_rows += unanswered.iter().filter(may_judge).count();
        self
    }

    /// Number of rows that have a score.
    pub(super) fn scored(&self) -> Scored {
        self.scored
    }

    /// Refuses a candidate that has a score for less than `share_min` of the rows after its training: the other rows
    /// may be those that it knows nothing about.
    pub(super) fn require_share(&self, path: &Path, share_min: f64) -> Result<(), Failure> {
        let Scored { rows, of_rows } = self.scored;
        let share = rows as f64 / of_rows.max(1) as f64;
        if share >= share_min {
            return Ok(());
        }
        let [rows, of_rows] = [rows, of_rows].map(|count| grouped(count as f64));
        let message = format!(
            "{}: {rows} of {of_rows} rows have a score, a share of {share:.3} of the labelled rows after the training; at \
             least {share_min} is asked for, because rows that are left out can make scores look better than they are. Score \
             the other rows, leave their ticks out of --input, or give a lower --share-min",
            path.display()
        );
        Err(Failure::new(Exit::Failed, message))
    }

    /// The folds that the candidate is judged by, and a remark on them for the report.
    ///
    /// The ladder learns once, as the candidate did, from the rows of the candidate's training. If the input does not
    /// hold enough of those, the ladder walks forward as below a recipe, and the first rows only teach it.
    pub(super) fn folds(&self, walk: &WalkForward, rows: &Rows) -> Result<(Vec<Fold>, String), LearnError> {
        let times_s = rows.dataset.times_s();
        let learned = |row: usize| self.training.has_learned(rows.symbol(row), times_s[row]);
        let folds = walk.folds_of_finished(times_s, learned, |row| self.has_score[row])?;
        let taught = folds.first().map_or(&[][..], Fold::train);
        if taught.len() >= LADDER_ROWS_MIN && rows.dataset.enough("rows of the training", taught).is_ok() {
            let note = format!(
                "the ladder below what is judged learned once, as that did: from the {} rows of the input that lie in its \
                 training{}",
                grouped(taught.len() as f64),
                self.note_on_earlier_rows(rows)
            );
            return Ok((folds, note));
        }
        let found = grouped(taught.len() as f64);
        let folds = walk.folds(times_s, |row| self.has_score[row])?;
        let tested = || folds.iter().flat_map(Fold::test);
        let left_out = self.scored.rows - tested().count();
        let from = tested().map(|&row| times_s[row]).min().map_or_else(String::new, time_text);
        let note = format!(
            "the input holds {found} rows of the training of what is judged, too few to learn from. So the ladder below it \
             learns anew before each part, from all rows before it, and {} rows before {from}, which could have judged, only \
             teach it{}",
            grouped(left_out as f64),
            self.note_on_earlier_rows(rows)
        );
        Ok((folds, note))
    }

    /// A sentence on the rows that judge although the training saw later times of other symbols; empty without such
    /// rows.
    fn note_on_earlier_rows(&self, rows: &Rows) -> String {
        let times_s = rows.dataset.times_s();
        let earlier = |row: &usize| self.has_score[*row] && times_s[*row] <= self.training.end_s;
        match (0..times_s.len()).filter(earlier).count() {
            0 => String::new(),
            count => format!(
                ". {} of the rows that judge are later than what was learned of their own symbol, but earlier than what was \
                 learned of others",
                grouped(count as f64)
            ),
        }
    }
}
