//! Requests and results of model changes.

use std::sync::Arc;

use engine::handle::AskError;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Version, catalog::FindError, comparison::Comparison};

/// The reason for a change and the id of its request, for the record and the events.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The reason that the client gave.
    pub reason: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
}

/// The model to activate, and bounds on its difference.
#[derive(Clone, Debug, Default)]
pub struct Activation {
    /// A name of the catalog, or `name@version`.
    pub name: String,
    /// The version, if it is given apart.
    pub version: Option<String>,
    /// Replaces `model.flip_rate_max`.
    pub flip_rate_max: Option<f64>,
    /// Replaces `model.score_difference_max`.
    pub score_difference_max: Option<f64>,
    /// Compares the models and changes nothing.
    pub is_dry_run: bool,
    /// Reason and request.
    pub asked: Asked,
}

/// The result of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The model is active from now on.
    Activated,
    /// The model was active already; the record now names it.
    Unchanged,
    /// Nothing was changed, because the request was a dry run.
    DryRun,
    /// The previous model is active again.
    RolledBack,
    /// The configured model is active, and the record is removed.
    Cleared,
    /// The model is the shadow from now on.
    ShadowOn,
    /// The shadow is ended.
    ShadowOff,
}

/// A change that was made, or would be.
#[derive(Debug)]
pub struct Changed {
    /// The outcome.
    pub outcome: Outcome,
    /// The model of the change; `None` if none is left.
    pub version: Option<Arc<Version>>,
    /// The model that had this role before.
    pub before: Option<Arc<Version>>,
    /// Both models on the newest rows; `None` if they could not be compared.
    pub comparison: Option<Comparison>,
    /// Number of self-test rows that the model scored to the same bits.
    pub self_test_rows: Option<usize>,
    /// Warnings for the client, one sentence each.
    pub warnings: Vec<String>,
}

impl Changed {
    pub(super) fn new(outcome: Outcome, version: Option<Arc<Version>>, before: Option<Arc<Version>>) -> Self {
        Self { outcome, version, before, comparison: None, self_test_rows: None, warnings: Vec::new() }
    }
}

/// The reason why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Another change is in progress; there is one at a time.
    #[error("another change of the model is under way; retry when it is over")]
    Busy,
    /// With Kafka each partition has its own model, by the log.
    #[error(
        "ticks come from Kafka, where every instance and every replay must score a partition by the same model from the \
         same record on; a change over HTTP would reach this instance alone. Set model.path (MODEL_PATH) or model.variant \
         (MODEL_VARIANT) on all instances and restart them one by one"
    )]
    Kafka,
    /// The name does not refer to one model.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The model cannot score the stream, or failed its self-test.
    #[error("{0}")]
    Unfit(String),
    /// Its answers differ from the active model's by more than the bounds.
    #[error(
        "on the newest {} rows, {:.4} are called otherwise (at most {}) and probabilities differ by up to {:.4} (at most \
         {}); the active model goes on",
        .0.rows, .0.flip_rate, .0.max_flip_rate, .0.score_difference_max, .0.max_score_difference
    )]
    BeyondBounds(Box<Comparison>),
    /// There is no previous model to roll back to.
    #[error("no model was active before this one; activate one by its name")]
    NoPrevious,
    /// The name in the path is not the active model's.
    #[error("{asked:?} is not active, {active} is; nothing was rolled back")]
    NotActive {
        /// The name in the path.
        asked: String,
        /// The active model's name.
        active: String,
    },
    /// The record of activations could not be written.
    #[error("what is to outlive a restart could not be written (model.record): {0}; nothing was changed")]
    Record(String),
    /// The configured model cannot be used.
    #[error("the configured model cannot be used: {0}; the record stands")]
    Configured(String),
    /// A shard refused or was late.
    #[error("a shard did not take the model: {0}; all go on as before")]
    Engine(#[from] AskError),
}

pub(super) type Change = Result<Changed, ChangeError>;
