//! Sections in their second version. They are frozen like those of [`super::v1`], whose other sections are still used.

use rkyv::{Archive, Serialize};

/// The version of every section below.
pub(crate) const VERSION: u16 = 2;

/// `TEST`: rows with all numbers computed when the file was made.
#[derive(Archive, Serialize)]
pub(crate) struct SelfTest {
    /// Row-major, as wide as the features.
    pub(crate) rows: Vec<f64>,
    /// Scores before the link, one for each row and output.
    pub(crate) raw_scores: Vec<f64>,
    /// Answers after the link, one for each row and answer.
    pub(crate) answers: Vec<f64>,
}
