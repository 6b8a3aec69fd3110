//! Newton's method for the penalised logistic regression. Plain loops: no matrix library, whose sums may run in another
//! order on another processor.

use super::error::LearnError;
use crate::combine::sigmoid;

/// Steps after which it should long have settled; it takes about eight.
const STEPS_MAX: usize = 60;
/// Settled: no coefficient moves by more than this.
const TOLERANCE: f64 = 1e-9;

/// A problem: minimise `sum(log(1 + exp(z)) - target * z) + l2 / 2 * |w|^2`, `z = w . row + intercept`. The intercept is
/// not penalised.
pub(crate) struct Problem<'a> {
    /// Row-major, `targets.len()` rows of `width`.
    pub(crate) rows: &'a [f64],
    pub(crate) width: usize,
    /// In 0..=1.
    pub(crate) targets: &'a [f64],
    pub(crate) l2: f64,
}

/// The loss and its derivatives at one place.
struct Place {
    loss: f64,
    gradient: Vec<f64>,
    /// Row-major; the upper triangle is filled.
    curvature: Vec<f64>,
}

impl Problem<'_> {
    /// The coefficients, then the intercept.
    ///
    /// # Errors
    /// [`LearnError::NotSettled`].
    pub(crate) fn solve(&self) -> Result<Vec<f64>, LearnError> {
        let not_settled = |what: &str| LearnError::NotSettled(what.to_owned());
        let mut weights = vec![0.0; self.width + 1];
        let mut place = self.evaluate(&weights);
        for _ in 0..STEPS_MAX {
            let step = solve_cholesky(place.curvature, place.gradient)
                .ok_or_else(|| not_settled("its curvature is not positive definite"))?;
            // A full step can overshoot from far away; half of it, and so on, cannot for ever.
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
        let (width, size) = (self.width, self.width + 1);
        let mut place = Place { loss: 0.0, gradient: vec![0.0; size], curvature: vec![0.0; size * size] };
        let mut row_and_one = vec![1.0; size];
        for (row, &target) in (0..).zip(self.targets) {
            row_and_one[..width].copy_from_slice(&self.rows[row * width..][..width]);
            let z: f64 = row_and_one.iter().zip(weights).map(|(value, weight)| value * weight).sum();
            let probability = sigmoid(z);
            place.loss += z.max(0.0) + libm::log1p(libm::exp(-z.abs())) - target * z;
            let (slope, bend) = (probability - target, probability * (1.0 - probability));
            for (one, &value) in row_and_one.iter().enumerate() {
                place.gradient[one] += slope * value;
                let bent = bend * value;
                let line = &mut place.curvature[one * size + one..(one + 1) * size];
                for (sum, other) in line.iter_mut().zip(&row_and_one[one..]) {
                    *sum += bent * other;
                }
            }
        }
        for (one, weight) in weights[..width].iter().enumerate() {
            place.loss += 0.5 * self.l2 * weight * weight;
            place.gradient[one] += self.l2 * weight;
            place.curvature[one * size + one] += self.l2;
        }
        place
    }
}

/// Solves `A x = b` for a symmetric positive definite `A`, of which the upper triangle is given (Cholesky, `A = U'U`).
/// `None` if it is not positive definite.
pub(super) fn solve_cholesky(mut upper: Vec<f64>, mut solution: Vec<f64>) -> Option<Vec<f64>> {
    let size = solution.len();
    for row in 0..size {
        for column in row..size {
            let mut value = upper[row * size + column];
            for above in 0..row {
                value -= upper[above * size + row] * upper[above * size + column];
            }
            upper[row * size + column] = if column > row {
                value / upper[row * size + row]
            } else if value > 0.0 {
                libm::sqrt(value)
            } else {
                return None;
            };
        }
    }
    for row in 0..size {
        for above in 0..row {
            solution[row] -= upper[above * size + row] * solution[above];
        }
        solution[row] /= upper[row * size + row];
    }
    for row in (0..size).rev() {
        for after in row + 1..size {
            solution[row] -= upper[row * size + after] * solution[after];
        }
        solution[row] /= upper[row * size + row];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_features_the_intercept_is_the_log_odds_of_the_base_rate() {
        let problem = Problem { rows: &[], width: 0, targets: &[1.0, 0.0, 0.0, 0.0], l2: 1.0 };
        let weights = problem.solve().unwrap();
        assert!((weights[0] - (1.0_f64 / 3.0).ln()).abs() < 1e-12, "{weights:?}");
    }

    #[test]
    fn the_solution_is_where_the_gradient_vanishes() {
        let rows = [0.5, -1.0, 2.0, 0.3, -0.7, 1.5, 0.1, 0.2, -2.0, -0.4, 1.0, 1.0];
        let problem = Problem { rows: &rows, width: 2, targets: &[1.0, 0.0, 1.0, 0.0, 1.0, 0.0], l2: 0.5 };
        let weights = problem.solve().unwrap();
        assert!(problem.evaluate(&weights).gradient.iter().all(|slope| slope.abs() < 1e-8));
    }

    #[test]
    fn cholesky_solves_and_refuses() {
        // A = [[4, 2], [2, 3]], b = A (1, -2).
        let solution = solve_cholesky(vec![4.0, 2.0, 0.0, 3.0], vec![0.0, -4.0]).unwrap();
        assert!((solution[0] - 1.0).abs() < 1e-15 && (solution[1] + 2.0).abs() < 1e-15);
        assert!(solve_cholesky(vec![1.0, 2.0, 0.0, 1.0], vec![1.0, 1.0]).is_none());
    }
}
