//! The design matrix of linear members: standardised features, missing values imputed and flagged.

use ndarray::Array2;

use super::dataset::Dataset;
use crate::linear::{LinearDraft, LinearTerm};

/// The statistics of one feature in training.
struct Column {
    median: f64,
    low: f64,
    high: f64,
    /// Mean after imputation.
    mean: f64,
    /// Standard deviation after imputation; 0 for a constant feature, which gets no coefficient.
    deviation: f64,
    /// Whether some values were missing, so that the feature has a flag column.
    flagged: bool,
}

/// The design matrix of the chosen rows: missing values are replaced by the median and flagged in a column of their
/// own, features are standardised.
pub(super) struct Design {
    columns: Vec<Column>,
    /// One line for each row: the features, then the flags.
    pub(super) rows: Array2<f64>,
}

impl Design {
    pub(super) fn new(data: &Dataset, chosen: &[usize]) -> Self {
        let columns: Vec<Column> =
            (0..data.features().len()).map(|feature| look_at(data, chosen, feature)).collect();
        let flags = columns.iter().filter(|column| column.flagged).count();
        let width = columns.len() + flags;
        let mut rows = Array2::zeros((chosen.len(), width));
        for (mut line, &row) in rows.outer_iter_mut().zip(chosen) {
            let values = data.row(row);
            let standardised = columns.iter().zip(values).map(|(column, &value)| column.standardised(value));
            let flagged = columns.iter().zip(values).filter(|(column, _)| column.flagged);
            let flags = flagged.map(|(_, value)| f64::from(u8::from(value.is_nan())));
            line.iter_mut().zip(standardised.chain(flags)).for_each(|(cell, value)| *cell = value);
        }
        Self { columns, rows }
    }

    /// Folds imputation and scaling into the coefficients, so that the member reads plain rows. `weights`: those of the
    /// features, of the flags, and the intercept.
    pub(super) fn fold_back(&self, weights: &[f64]) -> LinearDraft {
        let width = self.rows.ncols();
        let mut intercept = weights[width];
        let mut flag_weights = weights[self.columns.len()..width].iter();
        let mut terms = Vec::with_capacity(self.columns.len());
        for (column, weight) in self.columns.iter().zip(weights) {
            let coefficient = if column.deviation > 0.0 { weight / column.deviation } else { 0.0 };
            intercept -= coefficient * column.mean;
            let flag = if column.flagged { flag_weights.next() } else { None };
            terms.push(LinearTerm {
                coefficient,
                low: column.low,
                high: column.high,
                imputed: column.median,
                missing_coefficient: flag.copied().unwrap_or(0.0),
            });
        }
        LinearDraft { terms, intercept }
    }
}

impl Column {
    fn standardised(&self, value: f32) -> f64 {
        let value = if value.is_nan() { self.median } else { f64::from(value) };
        if self.deviation > 0.0 { (value - self.mean) / self.deviation } else { 0.0 }
    }
}

fn look_at(data: &Dataset, chosen: &[usize], feature: usize) -> Column {
    let all = data.column(feature);
    let values = chosen.iter().map(|&row| all[row]);
    let mut present: Vec<f32> = values.clone().filter(|value| !value.is_nan()).collect();
    present.sort_unstable_by(f32::total_cmp);
    let [Some(&low), Some(&high)] = [present.first(), present.last()] else {
        // Without any value the feature adds nothing, and its flag, which is always set, is part of the intercept.
        return Column { median: 0.0, low: 0.0, high: 0.0, mean: 0.0, deviation: 0.0, flagged: false };
    };
    let median = f64::from(present[present.len() / 2]);
    let count = chosen.len() as f64;
    let imputed = values.map(|value| if value.is_nan() { median } else { f64::from(value) });
    let mean = imputed.clone().sum::<f64>() / count;
    let variance = imputed.map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
    Column {
        median,
        low: f64::from(low),
        high: f64::from(high),
        mean,
        // A constant's variance is not 0 after rounding, so its minimum and maximum are compared.
        deviation: if low < high { libm::sqrt(variance) } else { 0.0 },
        flagged: present.len() < chosen.len(),
    }
}
