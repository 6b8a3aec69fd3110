//! Student's t-test: whether the means are equal.

use statrs::function::beta::beta_reg;

use super::{Kind, Method, NotApplicable, Pair, Rule, numbers};

/// Student's t-test of two means with a common variance, two-sided.
pub const STUDENT: Method = Method {
    name: "t_test",
    title: "t_test",
    kinds: &[Kind::Numerical],
    threshold: 0.05,
    rule: Rule::Below,
    compute,
};

fn compute(pair: &Pair) -> Result<f64, NotApplicable> {
    let (reference, current) = numbers(pair)?;
    let (reference_rows, current_rows) = (reference.len() as f64, current.len() as f64);
    let degrees = reference_rows + current_rows - 2.0;
    let squares = reference.variance() * reference_rows + current.variance() * current_rows;
    let variance = squares / degrees * (1.0 / reference_rows + 1.0 / current_rows);
    if variance <= 0.0 {
        return Err(NotApplicable("both sides are constant"));
    }
    let t = (reference.mean() - current.mean()) / variance.sqrt();
    Ok(beta_reg(degrees / 2.0, 0.5, degrees / (degrees + t * t)))
}
