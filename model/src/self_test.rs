//! Rows that a file carries with the numbers they had where it was made.

use rkyv::rend::{f32_le, f64_le};

use crate::{
    file::{
        pages::{MappedSlice, Pages},
        v1, v2,
    },
    model::Model,
};

/// Rows a file's self-test may have: verifying is a matter of moments.
pub(crate) const SELF_TEST_ROWS_MAX: usize = 4096;

/// A checked section TEST, by its version.
#[derive(Debug)]
pub(crate) enum SelfTest {
    /// 1: rows of f32 and the last output's raw score.
    Last { rows: MappedSlice<f32_le>, log_odds: MappedSlice<f64_le> },
    /// 2: rows of f64, every output's raw score, every answer.
    All { rows: MappedSlice<f64_le>, raw_scores: MappedSlice<f64_le>, answers: MappedSlice<f64_le> },
}

/// A number that is another here.
pub(crate) struct Difference {
    /// The row, from 0.
    pub(crate) row: usize,
    /// `raw score` or `answer`, and of several which, from 0.
    pub(crate) number: String,
    /// In the file.
    pub(crate) expected: f64,
    /// Here.
    pub(crate) found: f64,
}

impl SelfTest {
    /// Checks version 1.
    ///
    /// # Errors
    /// The first rule of FORMAT.md's `TEST` that it breaks.
    pub(crate) fn check_last(
        archived: &v1::ArchivedSelfTest,
        pages: &Pages,
        width: usize,
    ) -> Result<Self, String> {
        check_count(archived.log_odds.len())?;
        if archived.rows.len() != archived.log_odds.len() * width {
            let (values, answers) = (archived.rows.len(), archived.log_odds.len());
            return Err(format!("{values} values for {answers} answers of {width} features"));
        }
        Ok(Self::Last { rows: pages.keep(&archived.rows), log_odds: pages.keep(&archived.log_odds) })
    }

    /// Checks version 2, for a model of so many features, outputs and answers.
    ///
    /// # Errors
    /// As [`SelfTest::check_last`].
    pub(crate) fn check_all(
        archived: &v2::ArchivedSelfTest,
        pages: &Pages,
        [width, outputs, answers]: [usize; 3],
    ) -> Result<Self, String> {
        let count = archived.rows.len() / width;
        check_count(count)?;
        let lengths = [archived.rows.len(), archived.raw_scores.len(), archived.answers.len()];
        if lengths != [count * width, count * outputs, count * answers] {
            return Err(format!(
                "{lengths:?} values, raw scores and answers for rows of {width}, {outputs} and {answers}"
            ));
        }
        Ok(Self::All {
            rows: pages.keep(&archived.rows),
            raw_scores: pages.keep(&archived.raw_scores),
            answers: pages.keep(&archived.answers),
        })
    }

    /// The rows' values, row-major.
    pub(crate) fn values(&self) -> Vec<f64> {
        match self {
            Self::Last { rows, .. } => rows.iter().map(|value| f64::from(value.to_native())).collect(),
            Self::All { rows, .. } => rows.iter().map(|value| value.to_native()).collect(),
        }
    }

    /// Scores the rows again.
    ///
    /// # Errors
    /// The first number with other bits.
    pub(crate) fn verify(&self, model: &Model) -> Result<(), Difference> {
        let (values, width) = (self.values(), model.info().features.len());
        match self {
            Self::Last { log_odds, .. } => {
                for (row, (values, log_odds)) in values.chunks_exact(width).zip(log_odds.iter()).enumerate() {
                    let found = model.score_row(&singles(values)).log_odds;
                    compare(row, "log-odds", &[log_odds.to_native()], &[found])?;
                }
            }
            Self::All { raw_scores, answers, .. } => {
                let native = |numbers: &MappedSlice<f64_le>| -> Vec<f64> {
                    numbers.iter().map(|number| number.to_native()).collect()
                };
                let (raw_scores, answers) = (native(raw_scores), native(answers));
                let expected = raw_scores
                    .chunks_exact(model.raw_count())
                    .zip(answers.chunks_exact(model.answer_count()));
                for (row, (values, expected)) in values.chunks_exact(width).zip(expected).enumerate() {
                    verify_row(model, row, values, expected)?;
                }
            }
        }
        Ok(())
    }
}

/// Every number of a row; where its values are f32 also by the path that takes f32.
fn verify_row(
    model: &Model,
    row: usize,
    values: &[f64],
    (raw_scores, answers): (&[f64], &[f64]),
) -> Result<(), Difference> {
    let mut scores = vec![0.0; model.raw_count()];
    model.raw_scores(values, &mut scores);
    compare(row, "raw score", raw_scores, &scores)?;
    compare(row, "answer", answers, model.answers(values, &mut scores))?;
    let singles = singles(values);
    let exact = |(single, value): (&f32, &f64)| f64::from(*single) == *value || value.is_nan();
    if !singles.iter().zip(values).all(exact) {
        return Ok(());
    }
    let score = model.score_row(&singles);
    compare(row, "raw score from f32", &raw_scores[raw_scores.len() - 1..], &[score.log_odds])?;
    compare(row, "answer from f32", &answers[answers.len() - 1..], &[score.probability])
}

fn compare(row: usize, name: &str, expected: &[f64], found: &[f64]) -> Result<(), Difference> {
    let differs = |(expected, found): (&f64, &f64)| expected.to_bits() != found.to_bits();
    let Some(at) = expected.iter().zip(found).position(differs) else { return Ok(()) };
    let number = if expected.len() > 1 { format!("{name} {at}") } else { name.to_owned() };
    Err(Difference { row, number, expected: expected[at], found: found[at] })
}

fn singles(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

fn check_count(rows: usize) -> Result<(), String> {
    if rows > SELF_TEST_ROWS_MAX {
        return Err(format!("{rows} rows; {SELF_TEST_ROWS_MAX} are possible"));
    }
    Ok(())
}
