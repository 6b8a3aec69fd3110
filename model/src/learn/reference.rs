//! Adds statistics of the training rows to a draft: baselines of explanations, and the distributions of features.

use super::dataset::Dataset;
use crate::{
    draft::{MemberDraft, ModelDraft},
    drift::{Bins, DriftReference},
    error::DraftError,
};

/// Adds the linear members' mean contributions and the drift reference to a draft.
pub(super) fn with_references(
    mut draft: ModelDraft,
    data: &Dataset,
    fit: &[usize],
) -> Result<ModelDraft, DraftError> {
    for member in 0..draft.members().len() {
        let MemberDraft::Linear(linear) = &draft.members()[member].1 else { continue };
        let mut means = vec![0.0; linear.terms.len()];
        for &row in fit {
            for ((mean, term), &value) in means.iter_mut().zip(&linear.terms).zip(data.row(row)) {
                *mean += term.contribution(value);
            }
        }
        means.iter_mut().for_each(|mean| *mean /= fit.len() as f64);
        draft = draft.with_mean_contributions(member, means)?;
    }
    let column =
        |feature: usize| Bins::by_quantiles(fit.iter().map(|&row| f64::from(data.row(row)[feature])));
    let reference = DriftReference {
        features: (0..data.features().len()).map(column).collect(),
        answers: Bins::by_quantiles(fit.iter().map(|&row| draft.predict(data.row(row)))),
        rows: fit.len() as u64,
    };
    draft.with_drift_reference(reference)
}
