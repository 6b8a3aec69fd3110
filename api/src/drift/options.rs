//! The options of a comparison.

use model::drift::Method;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The columns; empty for all that can be compared.
    pub columns: Vec<String>,
    /// The method for columns of its kinds; by default Evidently's choice.
    pub method: Option<&'static Method>,
    /// The threshold of these columns; by default the method's.
    pub threshold: Option<f64>,
    /// Share of drifted columns from which the whole has drifted.
    pub drift_share: f64,
    /// Share of false discoveries that the second opinion allows.
    pub false_discoveries: f64,
}
