//! Epps-Singleton test: the gap between both characteristic functions at two points.

use super::{Kind, Method, NotApplicable, Pair, Rule, chi_square, numbers};
use crate::drift::{FEW_VALUES, sample::quantile};

/// The Epps-Singleton test (1986) at 0.4 and 0.8 of half the interquartile range of all values. With a handful of
/// distinct values its matrix has no inverse, and scipy's p-value depends on how much rounding noise counts as rank, so
/// such columns have no score here.
pub const EPPS_SINGLETON: Method = Method {
    name: "es",
    title: "Epps-Singleton",
    kinds: &[Kind::Numerical],
    threshold: 0.05,
    rule: Rule::Below,
    compute,
};

const POINTS: [f64; 2] = [0.4, 0.8];
/// Cosine and sine at each point.
const TERMS: usize = 4;
/// With fewer values on a side the statistic is corrected (Goerg and Kaiser 2009).
const SMALL: usize = 25;

type Square = [[f64; TERMS]; TERMS];

fn compute(pair: &Pair) -> Result<f64, NotApplicable> {
    let (reference, current) = numbers(pair)?;
    if pair.distinct(FEW_VALUES + 1) <= FEW_VALUES {
        return Err(NotApplicable("five distinct values and fewer"));
    }
    let mut all = [reference.sorted(), current.sorted()].concat();
    all.sort_unstable_by(f64::total_cmp);
    let scale = (quantile(&all, 0.75) - quantile(&all, 0.25)) / 2.0;
    if scale <= 0.0 {
        return Err(NotApplicable("half of the values are the same"));
    }
    let (one, other) = (reference.len() as f64, current.len() as f64);
    let total = one + other;
    let (reference_mean, reference_square) = moments(reference.sorted(), scale);
    let (current_mean, current_square) = moments(current.sorted(), scale);
    let mut covariance = [[0.0; TERMS]; TERMS];
    for (row, of_row) in covariance.iter_mut().enumerate() {
        for (column, cell) in of_row.iter_mut().enumerate() {
            *cell = total / one * reference_square[row][column] + total / other * current_square[row][column];
        }
    }
    let difference: [f64; TERMS] = std::array::from_fn(|term| reference_mean[term] - current_mean[term]);
    let (mut statistic, mut rank) = (0.0, 0);
    let (values, vectors) = eigen(covariance);
    let greatest = values.iter().copied().fold(0.0, f64::max);
    for (at, &value) in values.iter().enumerate() {
        // Directions without spread carry no information; the pseudo-inverse leaves them out.
        if value > 1e-12 * greatest {
            let along: f64 = (0..TERMS).map(|term| vectors[term][at] * difference[term]).sum();
            statistic += along * along / value;
            rank += 1;
        }
    }
    statistic *= total;
    if reference.len().max(current.len()) < SMALL {
        statistic /= 1.0 + total.powf(-0.45) + 10.1 * (one.powf(-1.7) + other.powf(-1.7));
    }
    Ok(chi_square::survival(statistic, rank))
}

/// Means of the terms, and their covariance.
fn moments(values: &[f64], scale: f64) -> ([f64; TERMS], Square) {
    let count = values.len() as f64;
    let terms = |value: f64| {
        let at = POINTS.map(|point| point / scale * value);
        [at[0].cos(), at[1].cos(), at[0].sin(), at[1].sin()]
    };
    let mut mean = [0.0; TERMS];
    for &value in values {
        for (sum, term) in mean.iter_mut().zip(terms(value)) {
            *sum += term;
        }
    }
    mean.iter_mut().for_each(|sum| *sum /= count);
    let mut square = [[0.0; TERMS]; TERMS];
    for &value in values {
        let terms = terms(value);
        let distance: [f64; TERMS] = std::array::from_fn(|term| terms[term] - mean[term]);
        for (row, of_row) in square.iter_mut().enumerate() {
            for (column, sum) in of_row.iter_mut().enumerate() {
                *sum += distance[row] * distance[column];
            }
        }
    }
    square.iter_mut().flatten().for_each(|sum| *sum /= count);
    (mean, square)
}

/// Eigenvalues of a symmetric matrix, and its eigenvectors as columns, by Jacobi's rotations.
fn eigen(mut matrix: Square) -> ([f64; TERMS], Square) {
    let mut vectors: Square =
        std::array::from_fn(|row| std::array::from_fn(|column| f64::from(row == column)));
    // It converges quadratically: a dozen sweeps are more than enough.
    for _ in 0..32 {
        for row in 0..TERMS {
            for column in row + 1..TERMS {
                let beside = matrix[row][column];
                if beside == 0.0 {
                    continue;
                }
                let ratio = (matrix[column][column] - matrix[row][row]) / (2.0 * beside);
                let tangent = ratio.signum() / (ratio.abs() + (ratio * ratio + 1.0).sqrt());
                let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
                let sine = tangent * cosine;
                let turn = |one: f64, other: f64| (cosine * one - sine * other, sine * one + cosine * other);
                for cells in matrix.iter_mut().chain(&mut vectors) {
                    (cells[row], cells[column]) = turn(cells[row], cells[column]);
                }
                let (upper, lower) = (matrix[row], matrix[column]);
                for (at, (upper, lower)) in upper.into_iter().zip(lower).enumerate() {
                    (matrix[row][at], matrix[column][at]) = turn(upper, lower);
                }
            }
        }
    }
    (std::array::from_fn(|at| matrix[at][at]), vectors)
}
