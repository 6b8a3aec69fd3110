//! Population stability index: the symmetric divergence of both sides' shares.

use super::{Kind, Method, NotApplicable, Pair, Rule};
use crate::drift::shares::{Frequencies, Shares};

/// Population stability index: the sum over bins of `(reference - current) * ln(reference / current)`.
pub const PSI: Method = Method {
    name: "psi",
    title: "PSI",
    kinds: &[Kind::Numerical, Kind::Categorical],
    threshold: 0.1,
    rule: Rule::AtLeast,
    compute,
};

fn compute(pair: &Pair) -> Result<f64, NotApplicable> {
    Ok(of(&Frequencies::of(pair).shares().filled()))
}

/// The population stability index of two lists of shares, none of them 0.
pub(in crate::drift) fn of(shares: &Shares) -> f64 {
    shares.pairs().map(|(reference, current)| (reference - current) * (reference / current).ln()).sum()
}
