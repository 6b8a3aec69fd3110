//! Errors of training.

use crate::error::DraftError;

/// The reason why a model could not be trained.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// The parts of the dataset do not fit together.
    #[error("dataset: {0}")]
    Dataset(String),
    /// An option is out of its range.
    #[error("{option}: {what}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// The fault, in words.
        what: String,
    },
    /// A test row is not later than the training rows by the required gap.
    #[error("a training row at {train_s} s looks {gap_s} s ahead, past a test row at {test_s} s")]
    Future {
        /// Event time of the latest training row.
        train_s: i64,
        /// Event time of the earliest test row.
        test_s: i64,
        /// The required gap: horizon plus embargo.
        gap_s: i64,
    },
    /// A part of the data is too small, or has one outcome only.
    #[error("{part}: {rows} rows, {spikes} of them spikes: needs at least {needed} rows with both outcomes")]
    TooLittle {
        /// The part of the rows, such as `training rows` or `held-out rows`.
        part: &'static str,
        /// Number of rows in the part.
        rows: usize,
        /// Number of rows labelled true.
        spikes: usize,
        /// Number of rows needed.
        needed: usize,
    },
    /// The dataset lacks a feature that the model needs.
    #[error("the dataset has no feature {0}")]
    FeatureAbsent(String),
    /// Newton's method did not converge; the matrix is not usable.
    #[error("the logistic regression did not settle: {0}")]
    NotSettled(String),
    /// The boosting library failed, or returned trees that cannot be expressed.
    #[error("{trainer}: {what}")]
    Trainer {
        /// The library and its version.
        trainer: String,
        /// The trainer's message.
        what: String,
    },
    /// The trained parts exceed a limit of the model format.
    #[error(transparent)]
    Draft(#[from] DraftError),
}
