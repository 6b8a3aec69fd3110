//! The self-test of a file: rows with the numbers computed when the file was made.

use rkyv::rend::{f32_le, f64_le};

use crate::file::{
    pages::{MappedSlice, Pages},
    v1, v2,
};

/// Most rows of a self-test, so that verifying takes only moments.
pub(crate) const SELF_TEST_ROWS_MAX: usize = 4096;

/// A checked section TEST, by its version.
#[derive(Debug)]
pub(crate) enum SelfTest {
    /// Version 1: rows of f32, and the last output's raw score.
    Last { rows: MappedSlice<f32_le>, log_odds: MappedSlice<f64_le> },
    /// Version 2: rows of f64, every output's raw score, every answer.
    All { rows: MappedSlice<f64_le>, raw_scores: MappedSlice<f64_le>, answers: MappedSlice<f64_le> },
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

    /// Checks version 2, for a model with `width` features and these numbers of outputs and answers.
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

    /// The rows, row-major.
    pub(crate) fn rows(&self) -> Vec<f64> {
        match self {
            Self::Last { rows, .. } => rows.iter().map(|value| f64::from(value.to_native())).collect(),
            Self::All { rows, .. } => rows.iter().map(|value| value.to_native()).collect(),
        }
    }
}

fn check_count(rows: usize) -> Result<(), String> {
    if rows > SELF_TEST_ROWS_MAX {
        return Err(format!("{rows} rows; {SELF_TEST_ROWS_MAX} are possible"));
    }
    Ok(())
}
