//! The options of a comparison.

use model::drift::Method;

/// The columns to compare, the method and the thresholds.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Names of the columns; empty for all that can be compared.
    pub columns: Vec<String>,
    /// The method for columns of the kinds that it judges; by default Evidently's choice.
    pub method: Option<&'static Method>,
    /// The threshold of `method`; by default its own.
    pub threshold: Option<f64>,
    /// Least share of drifted columns at which the table as a whole has drifted.
    pub drift_share: f64,
    /// Greatest false discovery rate at which the second opinion calls a column shifted.
    pub false_discoveries: f64,
}
