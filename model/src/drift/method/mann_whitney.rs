//! Mann-Whitney U test: whether current values tend to be greater than reference values.

use super::{Kind, Method, NotApplicable, Numbers, Pair, Rule, numbers};
use crate::drift::sample::Tie;

/// The Mann-Whitney U test by its normal approximation, corrected for ties and continuity. It is one-sided, as in
/// Evidently: it detects current values that are greater than the reference's, never smaller ones.
pub const MANN_WHITNEY: Method = Method {
    name: "mannw",
    title: "Mann-Whitney U-rank test",
    kinds: &[Kind::Numerical],
    threshold: 0.05,
    rule: Rule::Below,
    compute,
};

fn compute(pair: &Pair) -> Result<f64, NotApplicable> {
    let (reference, current) = numbers(pair)?;
    let (one, other) = (reference.len() as f64, current.len() as f64);
    let total = one + other;
    let ties: f64 = Tie::all(reference, current)
        .map(|tie| {
            let count = (tie.reference + tie.current) as f64;
            count * count * count - count
        })
        .sum();
    let variance = one * other / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance <= 0.0 {
        return Err(NotApplicable("all values are the same"));
    }
    let wins = superiority(reference, current) * one * other;
    let z = (wins - one * other / 2.0 - 0.5) / variance.sqrt();
    Ok((libm::erfc(z / std::f64::consts::SQRT_2) / 2.0).clamp(0.0, 1.0))
}

/// The probability that a random current value is above a random reference value; equal ones count half.
pub fn superiority(reference: &Numbers, current: &Numbers) -> f64 {
    let (mut seen, mut wins) = (0.0, 0.0);
    for tie in Tie::all(reference, current) {
        let count = tie.reference as f64;
        wins += tie.current as f64 * (seen + count / 2.0);
        seen += count;
    }
    wins / (reference.len() as f64 * current.len() as f64)
}
