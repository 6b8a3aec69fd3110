//! Evidently's default method for a column.

use super::{
    method::{self, Method},
    sample::{Kind, Pair},
};

/// Up to this many reference values a test is the default; beyond it a distance, because with many rows every p-value
/// is small.
pub const FEW_ROWS: usize = 1_000;
/// Numbers with at most this many distinct values on both sides are treated as categories.
pub const FEW_VALUES: usize = 5;

/// The default method, from the number of reference values and of distinct values of both sides.
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
