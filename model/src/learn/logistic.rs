//! The linear member: an L2 logistic regression on standardised features.

use super::{dataset::Dataset, design::Design, error::LearnError, newton::Problem};
use crate::linear::LinearDraft;

/// Fits on the chosen rows. Missing values are replaced by the median and flagged, features are standardised, and all
/// of that is folded into the coefficients, so that the member reads plain rows.
///
/// `l2` is the weight of half the squared coefficients (of standardised features) relative to the summed log loss.
///
/// # Errors
/// [`LearnError::NotSettled`].
pub fn fit_logistic(data: &Dataset, chosen: &[usize], l2: f64) -> Result<LinearDraft, LearnError> {
    let design = Design::new(data, chosen);
    let targets: Vec<f64> = chosen.iter().map(|&row| f64::from(u8::from(data.labels()[row]))).collect();
    let weights = Problem { rows: design.rows.view(), targets: &targets, l2 }.solve()?;
    Ok(design.fold_back(&weights))
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
