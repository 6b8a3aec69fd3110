//! The built-in models, with which the service answers without any file.
//!
//! Their cards are beside them and describe the training data.

use model::{Model, ModelError};

/// Variant `ml`: the average of a logistic regression and boosted trees.
const DEFAULT: &[u8] = include_bytes!("../../model/shipped/default.sgm");
/// Variant `baseline`: HAR-logit.
const BASELINE: &[u8] = include_bytes!("../../model/shipped/baseline.sgm");

/// Variant `runbook-rf`: a random forest on the ten features of the system that this one replaces.
const RUNBOOK_RF: &[u8] = include_bytes!("../../model/shipped/runbook-rf.sgm");

/// The variant that is loaded if none is configured.
pub const DEFAULT_VARIANT: &str = "ml";
/// Name of the shipped model that scores posted rows of the replaced system's features. It cannot score ticks.
pub const RUNBOOK: &str = "runbook-rf";

/// The shipped model of a variant; `None` for a variant that is not shipped.
///
/// # Errors
/// [`ModelError`] if this build cannot read the file that it contains, which a test excludes.
pub fn model(variant: &str) -> Option<Result<Model, ModelError>> {
    let bytes = match variant {
        DEFAULT_VARIANT => DEFAULT,
        "baseline" => BASELINE,
        RUNBOOK => RUNBOOK_RF,
        _ => return None,
    };
    Some(Model::from_bytes(bytes))
}
