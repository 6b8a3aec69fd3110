//! Hellinger distance: the distance between the square roots of shares.

use super::{Kind, Method, NotApplicable, Pair, Rule};
use crate::drift::{
    sample::Tie,
    shares::{Frequencies, counts, sturges_edges},
};

/// Hellinger distance, 0 to 1. Numerical columns are binned by Sturges' rule for their number of distinct values (not
/// rows).
pub const HELLINGER: Method = Method {
    name: "hellinger",
    title: "Hellinger distance",
    kinds: &[Kind::Numerical, Kind::Categorical],
    threshold: 0.1,
    rule: Rule::AtLeast,
    compute,
};

fn compute(pair: &Pair) -> Result<f64, NotApplicable> {
    let frequencies = match pair {
        Pair::Numbers { kind: Kind::Numerical, reference, current } => {
            let edges = sturges_edges(reference, current, Tie::all(reference, current).count());
            Frequencies { reference: counts(reference, &edges), current: counts(current, &edges) }
        }
        _ => Frequencies::by_value(pair),
    };
    let alike: f64 = frequencies.shares().pairs().map(|(one, other)| (one * other).sqrt()).sum();
    Ok((1.0 - alike.clamp(0.0, 1.0)).sqrt())
}
