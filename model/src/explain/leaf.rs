//! Shapley values of one leaf.
//!
//! A leaf whose path reads features 1..m is reached, when only a subset S of them is known, with the probability `prod
//! over S of o_j * prod over the others of z_j`: o_j is 1 if the row goes the leaf's way at all of j's splits and else
//! 0, z_j is j's share of the training data. The Shapley value of feature i, per unit of the leaf's value, is
//!
//! ```text
//! (o_i - z_i) * sum over S without i of |S|! (m-1-|S|)! / m! * prod o_j * prod z_j
//!   = (o_i - z_i) * integral from 0 to 1 of prod over j other than i of (o_j t + z_j (1 - t)) dt
//! ```
//!
//! because `k! (m-1-k)! / m!` is the integral of `t^k (1-t)^(m-1-k)` (the beta function). The integrand is a polynomial
//! of degree m-1 and never negative, so the Gauss-Legendre rule with m/2 points is exact, without cancellation or
//! division, whatever the depth.

/// Abscissae in 0..1 of a quadrature rule, with their weights, which add up to 1.
#[derive(Clone, Debug)]
pub(super) struct Quadrature {
    points: Vec<(f64, f64)>,
}

impl Quadrature {
    /// A rule that is exact for the Shapley values of a path with `features` features.
    pub(super) fn new(features: usize) -> Self {
        let count = features.div_ceil(2).max(1);
        Self { points: (0..count).map(|at| point(count, at)).collect() }
    }

    /// Writes each feature's Shapley value, per unit of the leaf's value. `followed` says whether the row goes the
    /// leaf's way at all splits of the feature. `products` is scratch space.
    pub(super) fn shapley(
        &self,
        shares: &[f64],
        followed: impl Fn(usize) -> bool,
        products: &mut Vec<f64>,
        values: &mut [f64],
    ) {
        values.fill(0.0);
        for &(t, weight) in &self.points {
            let factor = |at: usize| shares[at] * (1.0 - t) + if followed(at) { t } else { 0.0 };
            // The product of the factors before each feature, and on the way back of those after it.
            products.clear();
            let mut product = weight;
            for at in 0..shares.len() {
                products.push(product);
                product *= factor(at);
            }
            let mut behind = 1.0;
            for at in (0..shares.len()).rev() {
                values[at] += products[at] * behind;
                behind *= factor(at);
            }
        }
        for (at, value) in values.iter_mut().enumerate() {
            *value *= if followed(at) { 1.0 } else { 0.0 } - shares[at];
        }
    }
}

/// The abscissa and the weight of point `at` of `count`: a root of the Legendre polynomial by Newton's method from
/// Tricomi's estimate, moved from -1..1 to 0..1.
fn point(count: usize, at: usize) -> (f64, f64) {
    let degree = count as f64;
    let mut x = libm::cos(std::f64::consts::PI * (at as f64 + 0.75) / (degree + 0.5));
    let mut slope = 1.0;
    // It converges in four steps; a fixed number gives the same result on every machine.
    for _ in 0..8 {
        let (value, derivative) = legendre(count, x);
        slope = derivative;
        x -= value / derivative;
    }
    (0.5 * (1.0 - x), 1.0 / ((1.0 - x * x) * slope * slope))
}

/// The Legendre polynomial and its derivative, by Bonnet's recursion.
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for n in 2..=degree {
        let n = n as f64;
        (before, value) = (value, ((2.0 * n - 1.0) * x * value - (n - 1.0) * before) / n);
    }
    (value, degree as f64 * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_exact_for_the_polynomials_it_is_for() {
        for features in [1_usize, 2, 3, 4, 7, 8, 16, 31, 64, 255] {
            let rule = Quadrature::new(features);
            for power in 0..features {
                let sum: f64 = rule.points.iter().map(|(t, weight)| weight * t.powi(power as i32)).sum();
                let expected = 1.0 / (power as f64 + 1.0);
                assert!((sum / expected - 1.0).abs() < 1e-12, "{features} features, t^{power}: {sum}");
            }
        }
    }

    #[test]
    fn two_features_have_the_values_of_the_definition() {
        let (shares, mut values) = ([0.25, 0.5], [0.0; 2]);
        let rule = Quadrature::new(2);
        rule.shapley(&shares, |at| at == 0, &mut Vec::new(), &mut values);
        // v({}) = 1/8, v({0}) = 1/2, v({1}) = v({0, 1}) = 0.
        assert!((values[0] - 0.5 * (0.5 - 0.125)).abs() < 1e-15, "{values:?}");
        assert!((values[1] - 0.5 * ((0.0 - 0.125) + (0.0 - 0.5))).abs() < 1e-15, "{values:?}");
    }
}
