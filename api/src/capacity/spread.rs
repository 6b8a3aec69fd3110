//! The median and the extremes of a number that was measured several times.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
    pub repetitions: usize,
}

impl Spread {
    /// The median of an even count is the lower of the two in the middle.
    ///
    /// # Panics
    /// If there are no values.
    pub(crate) fn new(mut values: Vec<f64>) -> Self {
        assert!(!values.is_empty(), "something was measured");
        values.sort_by(f64::total_cmp);
        let last = values.len() - 1;
        Self { median: values[last / 2], min: values[0], max: values[last], repetitions: values.len() }
    }
}
