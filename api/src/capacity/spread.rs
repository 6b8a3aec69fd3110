//! A number that was measured several times.

use serde::Serialize;

/// The middle one, and how far the others lie from it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
    pub repetitions: usize,
}

impl Spread {
    /// Of these.
    ///
    /// # Panics
    /// Without any.
    pub fn of(mut values: Vec<f64>) -> Self {
        assert!(!values.is_empty(), "something was measured");
        values.sort_by(f64::total_cmp);
        let last = values.len() - 1;
        Self { median: values[last / 2], min: values[0], max: values[last], repetitions: values.len() }
    }

    /// From the least to the greatest, in parts of the middle one.
    pub fn width_percent(&self) -> f64 {
        if self.median > 0.0 { 100.0 * (self.max - self.min) / self.median } else { 0.0 }
    }
}
