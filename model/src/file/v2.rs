//! Sections in their second shape. Frozen as [`super::v1`] is, whose other sections stay as they are.

use rkyv::{Archive, Serialize};

/// The version of every section below.
pub(crate) const VERSION: u16 = 2;

/// `TEST`: rows, and every number they had where the file was made.
#[derive(Archive, Serialize)]
pub(crate) struct SelfTest {
    /// Row-major, as wide as the features.
    pub(crate) rows: Vec<f64>,
    /// Before the link, one a row and output.
    pub(crate) raw_scores: Vec<f64>,
    /// After it, one a row and answer.
    pub(crate) answers: Vec<f64>,
}
