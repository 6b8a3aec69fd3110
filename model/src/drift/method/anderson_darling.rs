//! Anderson-Darling test: the gap between both distribution functions, weighted towards the tails.

use super::{Kind, Method, NotApplicable, Numbers, Pair, Rule, numbers};
use crate::drift::sample::Tie;

/// The Anderson-Darling test of two samples with mid-ranks. Its p-value is interpolated in a table of seven values and
/// lies within 0.001 and 0.25.
pub const ANDERSON_DARLING: Method = Method {
    name: "anderson",
    title: "Anderson-Darling",
    kinds: &[Kind::Numerical],
    threshold: 0.1,
    rule: Rule::Below,
    compute,
};

/// Significance levels, and the statistic that two samples exceed with each: `b0 + b1 + b2` of Scholz and Stephens 1987,
/// table 2.
const TABLE: [(f64, f64); 7] = [
    (0.25, 0.675 - 0.245 - 0.105),
    (0.1, 1.281 + 0.25 - 0.305),
    (0.05, 1.645 + 0.678 - 0.362),
    (0.025, 1.96 + 1.149 - 0.391),
    (0.01, 2.326 + 1.822 - 0.396),
    (0.005, 2.573 + 2.364 - 0.345),
    (0.001, 3.085 + 3.615 - 0.154),
];

fn compute(pair: &Pair) -> Result<f64, NotApplicable> {
    let (reference, current) = numbers(pair)?;
    if pair.distinct(2) < 2 {
        return Err(NotApplicable("one value only"));
    }
    let statistic = (raw(reference, current) - 1.0) / variance(reference.len(), current.len()).sqrt();
    Ok(p_value(statistic))
}

/// Equation 7 of Scholz and Stephens 1987.
fn raw(reference: &Numbers, current: &Numbers) -> f64 {
    let (one, other) = (reference.len() as f64, current.len() as f64);
    let total = one + other;
    let (mut below, mut reference_below, mut current_below) = (0.0, 0.0, 0.0);
    let (mut reference_sum, mut current_sum) = (0.0, 0.0);
    for tie in Tie::all(reference, current) {
        let (in_reference, in_current) = (tie.reference as f64, tie.current as f64);
        let count = in_reference + in_current;
        let middle = below + count / 2.0;
        let weight = count / total / (middle * (total - middle) - total * count / 4.0);
        reference_sum += weight * (total * (reference_below + in_reference / 2.0) - middle * one).powi(2);
        current_sum += weight * (total * (current_below + in_current / 2.0) - middle * other).powi(2);
        below += count;
        reference_below += in_reference;
        current_below += in_current;
    }
    (total - 1.0) / total * (reference_sum / one + current_sum / other)
}

/// The variance of the raw statistic if both samples come from one distribution: their equation 4 for two samples.
fn variance(one: usize, other: usize) -> f64 {
    let total = one + other;
    let n = total as f64;
    let reciprocals = 1.0 / one as f64 + 1.0 / other as f64;
    let (mut harmonic, mut double) = (0.0, 0.0);
    for i in 1..=total - 2 {
        harmonic += 1.0 / (total - i) as f64;
        double += harmonic / (i + 1) as f64;
    }
    let (h, g) = (harmonic + 1.0, double);
    let a = (4.0 * g - 6.0) + (10.0 - 6.0 * g) * reciprocals;
    let b =
        (2.0 * g - 4.0) * 4.0 + 16.0 * h + (2.0 * g - 14.0 * h - 4.0) * reciprocals - 8.0 * h + 4.0 * g - 6.0;
    let c = (6.0 * h + 2.0 * g - 2.0) * 4.0
        + (4.0 * h - 4.0 * g + 6.0) * 2.0
        + (2.0 * h - 6.0) * reciprocals
        + 4.0 * h;
    let d = (2.0 * h + 6.0) * 4.0 - 8.0 * h;
    (a * n.powi(3) + b * n * n + c * n + d) / ((n - 1.0) * (n - 2.0) * (n - 3.0))
}

/// Interpolates in the table by the parabola that fits the logarithms of its levels best.
fn p_value(statistic: f64) -> f64 {
    if statistic < TABLE[0].1 {
        return TABLE[0].0;
    }
    if statistic > TABLE[6].1 {
        return TABLE[6].0;
    }
    // Polynomials that are orthogonal over the table's points, so that each coefficient stands for itself.
    let count = TABLE.len() as f64;
    let sum = |of: &dyn Fn(f64) -> f64| TABLE.iter().map(|&(_, point)| of(point)).sum::<f64>();
    let mean = sum(&|point| point) / count;
    let line = |point: f64| point - mean;
    let squares = sum(&|point| line(point).powi(2));
    let slope = sum(&|point| point * line(point).powi(2)) / squares;
    let parabola = |point: f64| (point - slope) * line(point) - squares / count;
    let fit = |of: &dyn Fn(f64) -> f64| {
        let along = TABLE.iter().map(|&(level, point)| level.ln() * of(point)).sum::<f64>();
        along / sum(&|point| of(point).powi(2)) * of(statistic)
    };
    (fit(&|_| 1.0) + fit(&line) + fit(&parabola)).exp()
}
