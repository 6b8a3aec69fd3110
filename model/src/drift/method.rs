//! Evidently's methods under Evidently's names: one file for each method, one list.

mod anderson_darling;
mod chi_square;
mod cramer_von_mises;
mod energy;
mod epps_singleton;
mod hellinger;
mod jensen_shannon;
mod kolmogorov_smirnov;
mod kullback_leibler;
mod mann_whitney;
mod proportions;
mod psi;
mod student;
mod wasserstein;

pub use anderson_darling::ANDERSON_DARLING;
pub use chi_square::CHI_SQUARE;
pub use cramer_von_mises::CRAMER_VON_MISES;
pub use energy::ENERGY;
pub use epps_singleton::EPPS_SINGLETON;
pub use hellinger::HELLINGER;
pub use jensen_shannon::JENSEN_SHANNON;
pub use kolmogorov_smirnov::{KOLMOGOROV_SMIRNOV, greatest_gap};
pub use kullback_leibler::KULLBACK_LEIBLER;
pub use mann_whitney::{MANN_WHITNEY, superiority};
pub use proportions::PROPORTIONS;
pub use psi::PSI;
pub use student::STUDENT;
pub use wasserstein::WASSERSTEIN;

pub(super) use chi_square::survival as chi_square_survival;
pub(super) use {jensen_shannon::of as jensen_shannon, psi::of as psi};

use super::sample::{Kind, Numbers, Pair};

/// Every method.
pub const METHODS: [&Method; 14] = [
    &KOLMOGOROV_SMIRNOV,
    &WASSERSTEIN,
    &JENSEN_SHANNON,
    &PSI,
    &CHI_SQUARE,
    &PROPORTIONS,
    &KULLBACK_LEIBLER,
    &HELLINGER,
    &ENERGY,
    &ANDERSON_DARLING,
    &CRAMER_VON_MISES,
    &MANN_WHITNEY,
    &STUDENT,
    &EPPS_SINGLETON,
];

/// A test or distance that compares the reference side of a column with its current side.
#[derive(Debug)]
pub struct Method {
    /// The name on the command line and in files.
    pub name: &'static str,
    /// The title in reports, as Evidently spells it.
    pub title: &'static str,
    /// The kinds of columns it applies to.
    pub kinds: &'static [Kind],
    /// Evidently's default threshold.
    pub threshold: f64,
    /// Whether a score below or above the threshold is drift.
    pub rule: Rule,
    /// Computes the score of a column: a p-value or a distance.
    compute: fn(&Pair) -> Result<f64, NotApplicable>,
}

/// The comparison of a score with the threshold. p-values are drift below it, distances above it; methods differ at
/// equality, as in Evidently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A p-value below the threshold.
    Below,
    /// A p-value at or below it.
    AtMost,
    /// A distance at or above it.
    AtLeast,
    /// A distance above the threshold.
    Above,
}

/// The reason why a method has no score for a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotApplicable(pub &'static str);

impl Method {
    /// The method with this name; `None` if there is none.
    pub fn named(name: &str) -> Option<&'static Self> {
        METHODS.into_iter().find(|method| method.name == name)
    }

    /// The method's score for a column: a p-value or a distance, as [`Method::rule`] reads it.
    ///
    /// # Errors
    /// [`NotApplicable`] if the column has no such score.
    pub fn score(&self, pair: &Pair) -> Result<f64, NotApplicable> {
        let score = (self.compute)(pair)?;
        if score.is_finite() { Ok(score) } else { Err(NotApplicable("the score is no number")) }
    }

    /// Whether a score is drift.
    pub fn drifts(&self, score: f64, threshold: f64) -> bool {
        match self.rule {
            Rule::Below => score < threshold,
            Rule::AtMost => score <= threshold,
            Rule::AtLeast => score >= threshold,
            Rule::Above => score > threshold,
        }
    }

    /// Whether scores are p-values, which are small if there is drift.
    pub fn is_p_value(&self) -> bool {
        matches!(self.rule, Rule::Below | Rule::AtMost)
    }
}

/// The numbers of both sides; an error for a column of words.
fn numbers(pair: &Pair) -> Result<(&Numbers, &Numbers), NotApplicable> {
    match pair {
        Pair::Numbers { reference, current, .. } => Ok((reference, current)),
        Pair::Words { .. } => Err(NotApplicable("words have no order")),
    }
}

#[cfg(test)]
mod tests;
