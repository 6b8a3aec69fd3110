//! Energy distance: the mean squared gap between the distribution functions.

use super::{Kind, Method, NotApplicable, Pair, Rule, numbers, wasserstein::between_steps};

/// Energy distance, in the square root of the column's unit (Szekely 2003). Its threshold therefore depends on that
/// unit.
pub const ENERGY: Method = Method {
    name: "ed",
    title: "Energy-distance",
    kinds: &[Kind::Numerical],
    threshold: 0.1,
    rule: Rule::Above,
    compute,
};

fn compute(pair: &Pair) -> Result<f64, NotApplicable> {
    let (reference, current) = numbers(pair)?;
    Ok((2.0 * between_steps(reference, current, |gap| gap * gap)).sqrt())
}
