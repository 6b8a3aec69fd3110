//! Newton's method for the penalised logistic regression. Sums run in the order written here; a library's matrix
//! product may use another order on another processor.

use ndarray::{Array2, ArrayView2};

use super::error::LearnError;
use crate::combine::sigmoid;

/// Most steps; it usually takes about eight.
const STEPS_MAX: usize = 60;
/// Converged: no coefficient moves by more than this.
const TOLERANCE: f64 = 1e-9;

/// A problem: minimise `sum(log(1 + exp(z)) - target * z) + l2 / 2 * |w|^2`, `z = w . row + intercept`. The intercept is
/// not penalised.
pub(crate) struct Problem<'a> {
    /// The design matrix, one line a row.
    pub(crate) rows: ArrayView2<'a, f64>,
    /// Target of each row, in 0..=1.
    pub(crate) targets: &'a [f64],
    pub(crate) l2: f64,
}

/// The loss and its derivatives at one point.
struct Place {
    loss: f64,
    gradient: Vec<f64>,
    /// The Hessian; only the upper triangle is filled.
    curvature: Array2<f64>,
}

impl Problem<'_> {
    /// The coefficients, then the intercept.
    ///
    /// # Errors
    /// [`LearnError::NotSettled`].
    pub(crate) fn solve(&self) -> Result<Vec<f64>, LearnError> {
        let not_settled = |what: &str| LearnError::NotSettled(what.to_owned());
        let mut weights = vec![0.0; self.rows.ncols() + 1];
        let mut place = self.evaluate(&weights);
        for _ in 0..STEPS_MAX {
            let step = solve_cholesky(place.curvature, place.gradient)
                .ok_or_else(|| not_settled("its curvature is not positive definite"))?;
            // A full step can overshoot from far away, so it is halved until the loss falls.
            let mut scale = 1.0;
            loop {
                let tried: Vec<f64> =
                    weights.iter().zip(&step).map(|(weight, step)| weight - scale * step).collect();
                let there = self.evaluate(&tried);
                if there.loss <= place.loss + 1e-12 * place.loss.abs() {
                    (weights, place) = (tried, there);
                    break;
                }
                scale *= 0.5;
                if scale < 1e-9 {
                    return Err(not_settled("no step lowers its loss"));
                }
            }
            if step.iter().all(|step| (scale * step).abs() <= TOLERANCE) {
                return Ok(weights);
            }
        }
        Err(not_settled("too many steps"))
    }

    fn evaluate(&self, weights: &[f64]) -> Place {
        let (width, size) = (self.rows.ncols(), self.rows.ncols() + 1);
        let mut place =
            Place { loss: 0.0, gradient: vec![0.0; size], curvature: Array2::zeros((size, size)) };
        let mut row_and_one = vec![1.0; size];
        for (row, &target) in self.rows.outer_iter().zip(self.targets) {
            row_and_one[..width].copy_from_slice(row.to_slice().expect("rows stand one behind the other"));
            let z: f64 = row_and_one.iter().zip(weights).map(|(value, weight)| value * weight).sum();
            let probability = sigmoid(z);
            place.loss += z.max(0.0) + libm::log1p(libm::exp(-z.abs())) - target * z;
            let (slope, bend) = (probability - target, probability * (1.0 - probability));
            place.gradient.iter_mut().zip(&row_and_one).for_each(|(sum, value)| *sum += slope * value);
            add_outer_product(&mut place.curvature, bend, &row_and_one);
        }
        for (one, weight) in weights[..width].iter().enumerate() {
            place.loss += 0.5 * self.l2 * weight * weight;
            place.gradient[one] += self.l2 * weight;
            place.curvature[[one, one]] += self.l2;
        }
        place
    }
}

/// Adds `factor * row' row` to the upper triangle.
pub(super) fn add_outer_product(upper: &mut Array2<f64>, factor: f64, row: &[f64]) {
    for ((one, value), mut line) in row.iter().enumerate().zip(upper.outer_iter_mut()) {
        let line = line.as_slice_mut().expect("the lines of a new matrix are whole");
        let scaled = factor * value;
        for (sum, other) in line[one..].iter_mut().zip(&row[one..]) {
            *sum += scaled * other;
        }
    }
}

/// Solves `A x = b` for a symmetric positive definite `A`, given as its upper triangle (Cholesky, `A = U'U`). `None` if
/// `A` is not positive definite.
pub(super) fn solve_cholesky(mut upper: Array2<f64>, mut solution: Vec<f64>) -> Option<Vec<f64>> {
    let size = solution.len();
    for row in 0..size {
        for column in row..size {
            let mut value = upper[[row, column]];
            for above in 0..row {
                value -= upper[[above, row]] * upper[[above, column]];
            }
            upper[[row, column]] = if column > row {
                value / upper[[row, row]]
            } else if value > 0.0 {
                libm::sqrt(value)
            } else {
                return None;
            };
        }
    }
    for row in 0..size {
        for above in 0..row {
            solution[row] -= upper[[above, row]] * solution[above];
        }
        solution[row] /= upper[[row, row]];
    }
    for row in (0..size).rev() {
        for after in row + 1..size {
            solution[row] -= upper[[row, after]] * solution[after];
        }
        solution[row] /= upper[[row, row]];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn without_features_the_intercept_is_the_log_odds_of_the_base_rate() {
        let rows = Array2::zeros((4, 0));
        let problem = Problem { rows: rows.view(), targets: &[1.0, 0.0, 0.0, 0.0], l2: 1.0 };
        let weights = problem.solve().unwrap();
        assert!((weights[0] - (1.0_f64 / 3.0).ln()).abs() < 1e-12, "{weights:?}");
    }

    #[test]
    fn the_solution_is_where_the_gradient_vanishes() {
        let rows = array![[0.5, -1.0], [2.0, 0.3], [-0.7, 1.5], [0.1, 0.2], [-2.0, -0.4], [1.0, 1.0]];
        let problem = Problem { rows: rows.view(), targets: &[1.0, 0.0, 1.0, 0.0, 1.0, 0.0], l2: 0.5 };
        let weights = problem.solve().unwrap();
        assert!(problem.evaluate(&weights).gradient.iter().all(|slope| slope.abs() < 1e-8));
    }

    #[test]
    fn cholesky_solves_and_refuses() {
        // A = [[4, 2], [2, 3]], b = A (1, -2).
        let solution = solve_cholesky(array![[4.0, 2.0], [0.0, 3.0]], vec![0.0, -4.0]).unwrap();
        assert!((solution[0] - 1.0).abs() < 1e-15 && (solution[1] + 2.0).abs() < 1e-15);
        assert!(solve_cholesky(array![[1.0, 2.0], [0.0, 1.0]], vec![1.0, 1.0]).is_none());
    }
}
