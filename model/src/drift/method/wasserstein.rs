//! Wasserstein distance: how far a value must be moved on average to turn one side into the other.

use super::{Kind, Method, NotApplicable, Numbers, Pair, Rule, numbers};
use crate::drift::sample::Tie;

/// A smaller standard deviation of the reference counts as this.
const DEVIATION_MIN: f64 = 0.001;

/// Wasserstein distance in standard deviations of the reference.
pub const WASSERSTEIN: Method = Method {
    name: "wasserstein",
    title: "Wasserstein distance (normed)",
    kinds: &[Kind::Numerical],
    threshold: 0.1,
    rule: Rule::AtLeast,
    compute,
};

fn compute(pair: &Pair) -> Result<f64, NotApplicable> {
    let (reference, current) = numbers(pair)?;
    Ok(between_steps(reference, current, f64::abs) / reference.variance().sqrt().max(DEVIATION_MIN))
}

/// The integral of a function of the gap between both distribution functions, over the values.
pub(super) fn between_steps(reference: &Numbers, current: &Numbers, of: impl Fn(f64) -> f64) -> f64 {
    let (total_reference, total_current) = (reference.len() as f64, current.len() as f64);
    let (mut seen_reference, mut seen_current, mut integral) = (0, 0, 0.0);
    let mut last = None;
    for tie in Tie::all(reference, current) {
        if let Some(last) = last {
            let gap = seen_reference as f64 / total_reference - seen_current as f64 / total_current;
            integral += of(gap) * (tie.value - last);
        }
        seen_reference += tie.reference;
        seen_current += tie.current;
        last = Some(tie.value);
    }
    integral
}
