//! Kolmogorov-Smirnov test: the greatest gap between both distribution functions.

use super::{Kind, Method, NotApplicable, Numbers, Pair, Rule, numbers};
use crate::drift::{kolmogorov, sample::Tie};

/// Up to this many values on a side the p-value is exact, as in scipy.
const EXACT_MAX: usize = 10_000;

/// The two-sided Kolmogorov-Smirnov test of two samples.
pub const KOLMOGOROV_SMIRNOV: Method = Method {
    name: "ks",
    title: "K-S p_value",
    kinds: &[Kind::Numerical],
    threshold: 0.05,
    rule: Rule::AtMost,
    compute,
};

fn compute(pair: &Pair) -> Result<f64, NotApplicable> {
    let (reference, current) = numbers(pair)?;
    let gap = greatest_gap(reference, current);
    let (one, other) = (reference.len(), current.len());
    let exact = (one.max(other) <= EXACT_MAX).then(|| exact(one, other, gap)).flatten();
    Ok(exact.unwrap_or_else(|| {
        let rows = (one as f64 * other as f64 / (one + other) as f64).round_ties_even();
        kolmogorov::survival(rows as u64, gap)
    }))
}

/// The greatest distance between both distribution functions at any value.
pub fn greatest_gap(reference: &Numbers, current: &Numbers) -> f64 {
    let (mut seen_reference, mut seen_current, mut greatest) = (0, 0, 0.0_f64);
    for tie in Tie::all(reference, current) {
        seen_reference += tie.reference;
        seen_current += tie.current;
        let gap = seen_reference as f64 / reference.len() as f64 - seen_current as f64 / current.len() as f64;
        greatest = greatest.max(gap.abs());
    }
    greatest
}

/// The probability of a gap of at least `gap` if both sides are drawn from one continuous distribution: the share of
/// all orders of the values, each a path on a lattice, that leave the corridor of this width (Hodges 1957). `None` if
/// rounding errors spoil it.
fn exact(one: usize, other: usize, gap: f64) -> Option<f64> {
    let divisor = greatest_common_divisor(one, other);
    let steps = (one / divisor) as u64 * other as u64;
    let height = (gap * steps as f64).round_ties_even() as u64;
    if height == 0 {
        return Some(1.0);
    }
    let p = if one == other {
        square(one, (height / (steps / one as u64)) as usize)
    } else {
        corridor(one, other, divisor, height)
    };
    (0.0..=1.0).contains(&p).then_some(p)
}

/// Sides of equal length: reflections of the path give a closed form, summed from its smallest term.
fn square(rows: usize, height: usize) -> f64 {
    let mut p = 0.0;
    for reflection in (0..=rows / height).rev() {
        let (below, above) = (rows.saturating_sub(reflection * height), rows + reflection * height);
        let ratio: f64 =
            (0..height).map(|step| below.saturating_sub(step) as f64 / (above + step + 1) as f64).product();
        p = ratio * (1.0 - p);
    }
    2.0 * p
}

/// Sides of unequal length: the share of paths to each point that have left the corridor, point by point. A path to (i,
/// j) comes from (i-1, j) in i of i+j orders.
fn corridor(one: usize, other: usize, divisor: usize, height: u64) -> f64 {
    let (rows, columns) = (one.max(other), one.min(other));
    let (row_step, column_step) = ((columns / divisor) as i64, (rows / divisor) as i64);
    // Inside while |i * row_step - j * column_step| < height.
    let height = height as i64;
    let first = |i: i64| ((i * row_step - height).div_euclid(column_step) + 1).max(0).min(columns as i64 + 1);
    let end = |i: i64| ((i * row_step + height - 1).div_euclid(column_step) + 1).min(columns as i64 + 1);
    // Shares at the last row's points of the corridor; what lies outside is 1. A row's first point is never left of the
    // last row's.
    let mut shares = vec![1.0; columns + 2];
    let (mut last_first, mut last_end) = (first(0), end(0));
    shares[last_first as usize..last_end as usize].fill(0.0);
    for i in 1..=rows as i64 {
        let (from, until) = (first(i), end(i));
        if from >= until {
            return 1.0;
        }
        let mut left = if from == 0 { 0.0 } else { 1.0 };
        for j in from..until {
            let above = if (last_first..last_end).contains(&j) { shares[j as usize] } else { 1.0 };
            left = if j == 0 { above } else { (above * i as f64 + left * j as f64) / (i + j) as f64 };
            shares[j as usize] = left;
        }
        (last_first, last_end) = (from, until);
    }
    if (last_first..last_end).contains(&(columns as i64)) { shares[columns] } else { 1.0 }
}

fn greatest_common_divisor(one: usize, other: usize) -> usize {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}
