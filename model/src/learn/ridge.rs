//! Ridge regression on standardised features, for a linear forecast of a number.

use ndarray::Array2;

use super::{
    dataset::Dataset,
    design::Design,
    error::LearnError,
    newton::{add_outer_product, solve_cholesky},
};
use crate::linear::LinearDraft;

/// Fits on the chosen rows; `targets` has one value for each of them. Minimises `sum((target - w . row - intercept)^2)
/// / 2 + l2 / 2 * |w|^2` over standardised features, the intercept not penalised.
///
/// # Errors
/// [`LearnError::NotSettled`] if there is no unique solution; [`LearnError::Dataset`] if the lengths differ.
pub fn fit_ridge(
    data: &Dataset,
    chosen: &[usize],
    targets: &[f64],
    l2: f64,
) -> Result<LinearDraft, LearnError> {
    if targets.len() != chosen.len() {
        return Err(LearnError::Dataset(format!("{} targets for {} rows", targets.len(), chosen.len())));
    }
    let design = Design::new(data, chosen);
    let (width, size) = (design.rows.ncols(), design.rows.ncols() + 1);
    let (mut products, mut sums) = (Array2::zeros((size, size)), vec![0.0; size]);
    let mut row_and_one = vec![1.0; size];
    for (row, target) in design.rows.outer_iter().zip(targets) {
        row_and_one[..width].copy_from_slice(row.to_slice().expect("rows stand one behind the other"));
        sums.iter_mut().zip(&row_and_one).for_each(|(sum, value)| *sum += value * target);
        add_outer_product(&mut products, 1.0, &row_and_one);
    }
    products.diag_mut().iter_mut().take(width).for_each(|product| *product += l2);
    let weights = solve_cholesky(products, sums)
        .ok_or_else(|| LearnError::NotSettled("its products are not positive definite".to_owned()))?;
    Ok(design.fold_back(&weights))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::FeatureName;

    #[test]
    fn a_line_without_noise_is_found() {
        let count = 200;
        let rows: Vec<f32> = (0..count).flat_map(|row| [row as f32, ((row * 7) % 13) as f32]).collect();
        let targets: Vec<f64> =
            rows.chunks(2).map(|row| 2.0 * f64::from(row[0]) - 3.0 * f64::from(row[1]) + 5.0).collect();
        let features = vec![FeatureName::new("x", 1), FeatureName::new("y", 1)];
        let data = Dataset::new(features, rows, vec![false; count], vec![0; count], vec![0; count]).unwrap();
        let chosen: Vec<usize> = (0..count).collect();
        let line = fit_ridge(&data, &chosen, &targets, 1e-9).unwrap();
        assert!((line.score(&[10.0, 4.0]) - 13.0).abs() < 1e-6, "{line:?}");
        assert!(fit_ridge(&data, &chosen, &[1.0], 1.0).is_err());
    }
}
