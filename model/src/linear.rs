//! A linear member: an intercept and one term for each feature.

use crate::{
    combine::is_moderate,
    error::DraftError,
    file::{
        pages::{MappedSlice, Pages},
        v1::{ArchivedLinear, ArchivedTerm},
    },
    row::Row,
};

/// One feature's term in the log-odds. Scaling is folded into the coefficient (and the intercept).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearTerm {
    /// Log-odds per unit of the feature.
    pub coefficient: f64,
    /// Smaller values count as this, the least in training: the line is not extrapolated.
    pub low: f64,
    /// Greater values count as this, the greatest in training.
    pub high: f64,
    /// Replaces a missing value: the training median.
    pub imputed: f64,
    /// Log-odds added for a missing value, besides the imputed value's.
    pub missing_coefficient: f64,
}

/// A linear member before it is written: the sum of its terms and an intercept.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearDraft {
    /// One term for each feature, in the order of the row.
    pub terms: Vec<LinearTerm>,
    /// Start value of the sum, log-odds.
    pub intercept: f64,
}

impl LinearTerm {
    /// The term for a value: `coefficient * clamp(value, low, high)`, or for NaN
    /// `coefficient * imputed + missing_coefficient`.
    pub fn contribution(&self, value: f32) -> f64 {
        if value.is_nan() {
            self.coefficient * self.imputed + self.missing_coefficient
        } else {
            self.coefficient * f64::from(value).clamp(self.low, self.high)
        }
    }

    /// The first broken rule, if any: all numbers finite, `low <= high`, and no contribution that could overflow.
    fn fault(&self) -> Option<String> {
        let Self { coefficient, low, high, imputed, missing_coefficient } = *self;
        let values = [coefficient, low, high, imputed, missing_coefficient];
        let products = [coefficient * low, coefficient * high, coefficient * imputed];
        let sound = values.iter().chain(&products).all(|&value| is_moderate(value)) && low <= high;
        (!sound).then(|| format!("{self:?} is out of range"))
    }
}

impl From<&ArchivedTerm> for LinearTerm {
    fn from(term: &ArchivedTerm) -> Self {
        Self {
            coefficient: term.coefficient.to_native(),
            low: term.low.to_native(),
            high: term.high.to_native(),
            imputed: term.imputed.to_native(),
            missing_coefficient: term.missing_coefficient.to_native(),
        }
    }
}

impl LinearDraft {
    /// `intercept + term 0 + term 1 + ...`, in the order of the row.
    ///
    /// # Panics
    /// If the row's length is not the number of terms.
    pub fn score(&self, row: &[f32]) -> f64 {
        assert_eq!(row.len(), self.terms.len(), "values in the row, terms");
        let contributions = self.terms.iter().zip(row).map(|(term, &value)| term.contribution(value));
        contributions.fold(self.intercept, |sum, term| sum + term)
    }

    /// Checks that a file can hold it.
    ///
    /// # Errors
    /// The number that is out of range. `member` is used in that message only.
    pub(crate) fn check(&self, member: usize, feature_count: usize) -> Result<(), DraftError> {
        let fault = if self.terms.len() != feature_count {
            Some(format!("{} terms for {feature_count} features", self.terms.len()))
        } else if !is_moderate(self.intercept) {
            Some(format!("intercept {}", self.intercept))
        } else {
            self.terms.iter().find_map(LinearTerm::fault)
        };
        fault.map_or(Ok(()), |what| Err(DraftError::Member { member, what }))
    }
}

/// A linear member in a mapped file, checked.
#[derive(Debug)]
pub(crate) struct MappedLinear {
    terms: MappedSlice<ArchivedTerm>,
    intercept: f64,
}

impl MappedLinear {
    /// Checks an archived member.
    ///
    /// # Errors
    /// The first rule of FORMAT.md's `LINR` that it breaks.
    pub(crate) fn check(
        archived: &ArchivedLinear,
        pages: &Pages,
        feature_count: usize,
    ) -> Result<Self, String> {
        if archived.terms.len() != feature_count {
            return Err(format!("{} terms for {feature_count} features", archived.terms.len()));
        }
        let intercept = archived.intercept.to_native();
        if !is_moderate(intercept) {
            return Err(format!("intercept {intercept:e}"));
        }
        for (place, term) in archived.terms.iter().enumerate() {
            if let Some(fault) = LinearTerm::from(term).fault() {
                return Err(format!("term {place}: {fault}"));
            }
        }
        Ok(Self { terms: pages.keep(&archived.terms), intercept })
    }

    /// The terms and the intercept, for explanations.
    pub(crate) fn unpack(&self) -> (Vec<LinearTerm>, f64) {
        (self.terms.iter().map(LinearTerm::from).collect(), self.intercept)
    }

    /// The log-odds of a row, with the same bits as [`LinearDraft::score`].
    pub(crate) fn score<R: Row + ?Sized>(&self, row: &R) -> f64 {
        let contributions = (0..)
            .zip(self.terms.iter())
            .map(|(place, term)| LinearTerm::from(term).contribution(row.single(place)));
        contributions.fold(self.intercept, |sum, term| sum + term)
    }
}
