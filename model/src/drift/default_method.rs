//! Which method Evidently takes where none is named.

use super::{
    method::{self, Method},
    sample::{Kind, Pair},
};

/// Reference values up to which tests are taken; beyond them distances, because with many rows every p-value is small.
pub const FEW_ROWS: usize = 1_000;
/// Distinct values of both sides up to which numbers are taken as categories.
pub const FEW_VALUES: usize = 5;

/// Evidently's choice of a method, by the number of reference values and the distinct values of both sides.
pub fn default_method(pair: &Pair) -> &'static Method {
    let values = pair.distinct(FEW_VALUES + 1);
    let numerical = pair.kind() == Kind::Numerical && values > FEW_VALUES;
    match (pair.lengths().0 <= FEW_ROWS, numerical) {
        (true, true) => &method::KOLMOGOROV_SMIRNOV,
        (true, false) if values > 2 => &method::CHI_SQUARE,
        (true, false) => &method::PROPORTIONS,
        (false, true) => &method::WASSERSTEIN,
        (false, false) => &method::JENSEN_SHANNON,
    }
}
