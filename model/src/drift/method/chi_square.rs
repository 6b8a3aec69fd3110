//! Pearson's chi-square test: compares the current counts with those expected from the reference's shares.

use statrs::function::gamma::gamma_ur;

use super::{Kind, Method, NotApplicable, Pair, Rule};
use crate::drift::shares::Frequencies;

/// Pearson's test. The reference's shares are taken as known, so a value that the reference never had makes the p-value
/// 0.
pub const CHI_SQUARE: Method = Method {
    name: "chisquare",
    title: "chi-square p_value",
    kinds: &[Kind::Categorical],
    threshold: 0.05,
    rule: Rule::Below,
    compute,
};

fn compute(pair: &Pair) -> Result<f64, NotApplicable> {
    let frequencies = Frequencies::by_value(pair);
    if frequencies.reference.len() < 2 {
        return Err(NotApplicable("one value only"));
    }
    let (reference, current) = pair.lengths();
    let scale = current as f64 / reference as f64;
    let of = |(&reference, &current): (&u64, &u64)| {
        let expected = reference as f64 * scale;
        (current as f64 - expected).powi(2) / expected
    };
    let statistic: f64 = frequencies.reference.iter().zip(&frequencies.current).map(of).sum();
    Ok(survival(statistic, frequencies.reference.len() - 1))
}

/// The probability that a chi-square variable with `degrees` degrees of freedom is at least `statistic`.
pub(in crate::drift) fn survival(statistic: f64, degrees: usize) -> f64 {
    if statistic == f64::INFINITY {
        0.0
    } else if statistic <= 0.0 {
        1.0
    } else {
        gamma_ur(degrees as f64 / 2.0, statistic / 2.0)
    }
}
