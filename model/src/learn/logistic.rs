//! The linear member: an L2 logistic regression on standardised features.

use super::{dataset::Dataset, error::LearnError, newton::Problem};
use crate::linear::{LinearDraft, LinearTerm};

/// What training saw of one feature.
struct Column {
    median: f64,
    low: f64,
    high: f64,
    /// After imputation.
    mean: f64,
    /// After imputation; 0 for a feature that never varies, which then gets no coefficient.
    deviation: f64,
    /// Some values were missing: it gets a flag.
    flagged: bool,
}

/// Fits on the chosen rows: missing values become the median and raise a flag of their own, features are standardised,
/// and all of it is folded back, so that the member reads rows as they are.
///
/// `l2` weighs half the squared coefficients (of standardised features) against the summed log loss.
///
/// # Errors
/// [`LearnError::NotSettled`].
pub fn fit_logistic(data: &Dataset, chosen: &[usize], l2: f64) -> Result<LinearDraft, LearnError> {
    let columns: Vec<Column> =
        (0..data.features().len()).map(|feature| look_at(data, chosen, feature)).collect();
    let flags = columns.iter().filter(|column| column.flagged).count();
    let width = columns.len() + flags;
    let mut rows = Vec::with_capacity(chosen.len() * width);
    for &row in chosen {
        let values = data.row(row);
        rows.extend(columns.iter().zip(values).map(|(column, &value)| column.standardised(value)));
        let flagged = columns.iter().zip(values).filter(|(column, _)| column.flagged);
        rows.extend(flagged.map(|(_, value)| f64::from(u8::from(value.is_nan()))));
    }
    let targets: Vec<f64> = chosen.iter().map(|&row| f64::from(u8::from(data.labels()[row]))).collect();
    let weights = Problem { rows: &rows, width, targets: &targets, l2 }.solve()?;

    let mut intercept = weights[width];
    let mut flag_weights = weights[columns.len()..width].iter();
    let mut terms = Vec::with_capacity(columns.len());
    for (column, weight) in columns.iter().zip(&weights) {
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
    Ok(LinearDraft { terms, intercept })
}

impl Column {
    fn standardised(&self, value: f32) -> f64 {
        let value = if value.is_nan() { self.median } else { f64::from(value) };
        if self.deviation > 0.0 { (value - self.mean) / self.deviation } else { 0.0 }
    }
}

fn look_at(data: &Dataset, chosen: &[usize], feature: usize) -> Column {
    let values = chosen.iter().map(|&row| data.row(row)[feature]);
    let mut present: Vec<f32> = values.clone().filter(|value| !value.is_nan()).collect();
    present.sort_unstable_by(f32::total_cmp);
    let [Some(&low), Some(&high)] = [present.first(), present.last()] else {
        // Never seen: the value adds nothing, and a flag that is always up is the intercept's business.
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
        // A constant's variance is not 0 after rounding; that it is constant is plain from its ends.
        deviation: if low < high { libm::sqrt(variance) } else { 0.0 },
        flagged: present.len() < chosen.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::FeatureName;

    /// 4,000 rows of a known line: log-odds = 1.5 x0 - 0.5 x1 - 1, +0.8 where x1 is missing; x2 constant, x3 absent.
    fn known() -> Dataset {
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        let mut state = 1_u64;
        let mut unit = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / (1_u64 << 24) as f64
        };
        for _ in 0..40_000 {
            let (x0, x1, missing) = (unit() * 4.0 - 2.0, unit() * 20.0 + 100.0, unit() < 0.2);
            let seen = if missing { 110.0 } else { x1 };
            let log_odds = 1.5 * x0 - 0.5 * (seen - 110.0) - 1.0 + if missing { 0.8 } else { 0.0 };
            labels.push(unit() < crate::sigmoid(log_odds));
            rows.extend([x0 as f32, if missing { f32::NAN } else { x1 as f32 }, 3.0, f32::NAN]);
        }
        let features = ["x0", "x1", "x2", "x3"].map(|name| FeatureName::new(name, 1)).to_vec();
        let count = labels.len();
        Dataset::new(features, rows, labels, vec![0; count], vec![0; count]).unwrap()
    }

    #[test]
    fn a_known_line_is_found_through_missing_values_and_scales() {
        let data = known();
        let chosen: Vec<usize> = (0..data.len()).collect();
        let linear = fit_logistic(&data, &chosen, 1.0).unwrap();
        let [x0, x1, x2, x3] = linear.terms[..] else { panic!("four terms") };
        assert!((x0.coefficient - 1.5).abs() < 0.06, "{x0:?}");
        assert!((x1.coefficient + 0.5).abs() < 0.02 && (x1.imputed - 110.0).abs() < 0.5, "{x1:?}");
        assert!((x1.missing_coefficient - 0.8).abs() < 0.3, "{x1:?}");
        assert_eq!((x2.coefficient, x3.coefficient, x3.missing_coefficient), (0.0, 0.0, 0.0));
        let middle = linear.score(&[0.0, 110.0, 3.0, f32::NAN]);
        assert!((middle + 1.0).abs() < 0.1, "{middle}");
    }
}
