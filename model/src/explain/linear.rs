//! Contributions of a linear member: each term minus its mean.

use super::Method;
use crate::linear::LinearTerm;

/// A linear member, prepared for explanation.
#[derive(Debug)]
pub(crate) struct LinearPart {
    terms: Vec<LinearTerm>,
    /// Baseline of each term: its mean over the training rows, or the term of the imputed value.
    means: Vec<f64>,
    from_training: bool,
    pub(super) expected: f64,
}

impl LinearPart {
    /// `means` are the terms' mean contributions in training; empty if unknown.
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
