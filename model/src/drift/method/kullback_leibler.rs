//! Kullback-Leibler divergence of the current shares from the reference's.

use super::{Kind, Method, NotApplicable, Pair, Rule};
use crate::drift::shares::Frequencies;

/// Kullback-Leibler divergence of the current side from the reference, in nats.
pub const KULLBACK_LEIBLER: Method = Method {
    name: "kl_div",
    title: "Kullback-Leibler divergence",
    kinds: &[Kind::Numerical, Kind::Categorical],
    threshold: 0.1,
    rule: Rule::AtLeast,
    compute,
};

fn compute(pair: &Pair) -> Result<f64, NotApplicable> {
    let shares = Frequencies::of(pair).shares().filled().normalised();
    Ok(shares.pairs().map(|(reference, current)| reference * (reference / current).ln()).sum())
}
