//! A linear member: what each term adds, less what it adds on average.

use super::Method;
use crate::linear::LinearTerm;

/// A linear member in the form that its explanation reads.
#[derive(Debug)]
pub(crate) struct LinearPart {
    terms: Vec<LinearTerm>,
    /// Contribution of each term that counts as none: its mean over the training rows, or that of the imputed value.
    means: Vec<f64>,
    from_training: bool,
    pub(super) expected: f64,
}

impl LinearPart {
    /// `means` are the terms' mean contributions in training, one a term, or none.
    pub(crate) fn new(terms: Vec<LinearTerm>, intercept: f64, means: Vec<f64>) -> Self {
        let from_training = means.len() == terms.len();
        let means = if from_training {
            means
        } else {
            terms.iter().map(|term| term.coefficient * term.imputed).collect()
        };
        let expected = means.iter().fold(intercept, |sum, mean| sum + mean);
        Self { terms, means, from_training, expected }
    }

    pub(super) fn method(&self) -> Method {
        if self.from_training { Method::Linear } else { Method::LinearFromImputed }
    }

    pub(super) fn add(&self, row: &[f64], contributions: &mut [f64]) {
        for (((sum, term), mean), &value) in
            contributions.iter_mut().zip(&self.terms).zip(&self.means).zip(row)
        {
            *sum += term.contribution(value as f32) - mean;
        }
    }
}
