//! Jensen-Shannon distance: the divergence of both sides from their mean.

use super::{Kind, Method, NotApplicable, Pair, Rule};
use crate::drift::shares::{Frequencies, Shares};

/// Jensen-Shannon distance: the square root of the divergence in nats, 0 to 0.833.
pub const JENSEN_SHANNON: Method = Method {
    name: "jensenshannon",
    title: "Jensen-Shannon distance",
    kinds: &[Kind::Numerical, Kind::Categorical],
    threshold: 0.1,
    rule: Rule::AtLeast,
    compute,
};

fn compute(pair: &Pair) -> Result<f64, NotApplicable> {
    Ok(of(&Frequencies::of(pair).shares().normalised()))
}

/// The Jensen-Shannon distance of two lists of shares that each add up to 1.
pub(in crate::drift) fn of(shares: &Shares) -> f64 {
    let surprise = |share: f64, mean: f64| if share > 0.0 { share * (share / mean).ln() } else { 0.0 };
    let (mut reference_sum, mut current_sum) = (0.0, 0.0);
    for (reference, current) in shares.pairs() {
        let mean = (reference + current) / 2.0;
        reference_sum += surprise(reference, mean);
        current_sum += surprise(current, mean);
    }
    ((reference_sum + current_sum) / 2.0).max(0.0).sqrt()
}
