//! The models that come with the binary, so that the service answers with nothing else at hand.
//!
//! Their cards lie beside them and say what they were trained on.

use model::{Model, ModelError};

/// Variant `ml`: the average of a logistic regression and boosted trees.
const DEFAULT: &[u8] = include_bytes!("../../model/shipped/default.sgm");
/// Variant `baseline`: HAR-logit.
const BASELINE: &[u8] = include_bytes!("../../model/shipped/baseline.sgm");

/// For rows of the ten features of the system that this one replaces.
const RUNBOOK_RF: &[u8] = include_bytes!("../../model/shipped/runbook-rf.sgm");

/// The variant that is loaded where none is asked for.
pub const DEFAULT_VARIANT: &str = "ml";
/// The shipped model that answers rows of the runbook's features; it cannot drive the stream.
pub const RUNBOOK: &str = "runbook-rf";

/// The shipped model of a variant; `None` for a variant that is not shipped.
///
/// # Errors
/// [`ModelError`] if this build carries a file that it does not read: a test holds the two together.
pub fn model(variant: &str) -> Option<Result<Model, ModelError>> {
    let bytes = match variant {
        DEFAULT_VARIANT => DEFAULT,
        "baseline" => BASELINE,
        RUNBOOK => RUNBOOK_RF,
        _ => return None,
    };
    Some(Model::from_bytes(bytes))
}
