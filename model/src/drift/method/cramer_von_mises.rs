//! Cramer-von Mises test: the mean square of the gap between both distribution functions.

use std::f64::consts::PI;

use super::{Kind, Method, NotApplicable, Numbers, Pair, Rule, numbers};
use crate::drift::sample::Tie;

/// The Cramer-von Mises test of two samples by its limit distribution. Evidently uses mid-ranks with the formula for no
/// ties, so on columns of few values it finds drift where there is none (1e-8 on two halves of the same flags).
pub const CRAMER_VON_MISES: Method = Method {
    name: "cramer_von_mises",
    title: "Cramer-von Mises",
    kinds: &[Kind::Numerical],
    threshold: 0.1,
    rule: Rule::AtMost,
    compute,
};

/// With at most this many values on each side, the exact distribution would be needed, which is not implemented.
const EXACT_MAX: usize = 20;

fn compute(pair: &Pair) -> Result<f64, NotApplicable> {
    let (reference, current) = numbers(pair)?;
    if reference.len().max(current.len()) <= EXACT_MAX {
        return Err(NotApplicable("20 values and fewer on both sides"));
    }
    let (one, other) = (reference.len() as f64, current.len() as f64);
    let (product, total) = (one * other, one + other);
    let statistic =
        rank_distances(reference, current) / (product * total) - (4.0 * product - 1.0) / (6.0 * total);
    let mean = (1.0 + 1.0 / total) / 6.0;
    let variance = (total + 1.0)
        * (4.0 * product * total - 3.0 * (one * one + other * other) - 2.0 * product)
        / (45.0 * total * total * 4.0 * product);
    let limit = 1.0 / 6.0 + (statistic - mean) / (45.0 * variance).sqrt();
    Ok(if limit < 0.003 { 1.0 } else { (1.0 - limit_distribution(limit)).max(0.0) })
}

/// For each side, the squared distance between its values' ranks among all values and their ranks within the side,
/// times the side's length; the sum of both.
fn rank_distances(reference: &Numbers, current: &Numbers) -> f64 {
    let (mut below, mut sums) = (0.0, [0.0; 2]);
    let mut seen = [0; 2];
    for tie in Tie::all(reference, current) {
        let counts = [tie.reference, tie.current];
        let rank = below + ((counts[0] + counts[1]) as f64 + 1.0) / 2.0;
        for side in 0..2 {
            for place in seen[side] + 1..=seen[side] + counts[side] {
                sums[side] += (rank - place as f64).powi(2);
            }
            seen[side] += counts[side];
        }
        below += (counts[0] + counts[1]) as f64;
    }
    reference.len() as f64 * sums[0] + current.len() as f64 * sums[1]
}

/// Equation 1.2 of Csorgo and Faraway 1996; terms below 1e-7 are dropped, as in scipy.
fn limit_distribution(x: f64) -> f64 {
    let (mut sum, mut weight) = (0.0, PI.sqrt());
    for k in 0_u32.. {
        // Gamma(k + 1/2) / Gamma(k + 1).
        if k > 0 {
            weight *= (f64::from(k) - 0.5) / f64::from(k);
        }
        let y = 4.0 * f64::from(k) + 1.0;
        let q = y * y / (16.0 * x);
        let term = weight / (PI.powf(1.5) * x.sqrt()) * y.sqrt() * bessel_quarter(q);
        sum += term;
        if term < 1e-7 {
            break;
        }
    }
    sum
}

/// `e^-q` times the modified Bessel function of the second kind and order 1/4: the integral over t > 0 of `e^(-q (1 +
/// cosh t)) cosh(t/4)`, for which the trapezoidal rule reaches full precision.
fn bessel_quarter(q: f64) -> f64 {
    const STEP: f64 = 1.0 / 32.0;
    let mut sum = (-2.0 * q).exp() / 2.0;
    for place in 1_u32.. {
        let t = f64::from(place) * STEP;
        let term = (-q * (1.0 + t.cosh())).exp() * (t / 4.0).cosh();
        sum += term;
        if term < sum * 1e-20 || term == 0.0 {
            break;
        }
    }
    sum * STEP
}
