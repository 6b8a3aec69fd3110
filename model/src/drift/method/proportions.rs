//! Z-test of two proportions, for columns of two values.

use super::{Kind, Method, NotApplicable, Pair, Rule};
use crate::drift::shares::Frequencies;

/// The Z-test of two proportions with their pooled variance, two-sided. The proportion is that of all values except the
/// first in ascending or alphabetical order.
pub const PROPORTIONS: Method = Method {
    name: "z",
    title: "Z-test p_value",
    kinds: &[Kind::Categorical],
    threshold: 0.05,
    rule: Rule::Below,
    compute,
};

fn compute(pair: &Pair) -> Result<f64, NotApplicable> {
    let frequencies = Frequencies::by_value(pair);
    if frequencies.reference.len() < 2 {
        return Ok(1.0);
    }
    let (reference, current) = pair.lengths();
    let (reference, current) = (reference as f64, current as f64);
    let rest = |counts: &[u64]| counts[1..].iter().sum::<u64>() as f64;
    let (reference_rest, current_rest) = (rest(&frequencies.reference), rest(&frequencies.current));
    let pooled = (reference_rest + current_rest) / (reference + current);
    let deviation = (pooled * (1.0 - pooled) * (1.0 / reference + 1.0 / current)).sqrt();
    let z = (reference_rest / reference - current_rest / current) / deviation;
    Ok(libm::erfc(z.abs() / std::f64::consts::SQRT_2))
}
