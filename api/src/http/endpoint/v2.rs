//! `/v2`: the Open Inference Protocol, for clients of KServe, Seldon and Triton.
//!
//! Errors hold everything under `error`, with Triton's statuses: 404 for a model that is not loaded, 503 if no model is
//! loaded, 400 for a wrong request. Loading and unloading are not supported.

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{problem::Problem, route::Route};

pub(super) mod config;
pub(super) mod health;
pub(super) mod index;
pub(super) mod infer;
pub(super) mod model;
pub(super) mod server;
pub(super) mod stats;

const MODELS: &str = "/v2/models/";
const VERSIONS: &str = "/versions/";

/// A route of a model, for any version.
const fn of_model(label: &'static str, after: &'static str) -> Route {
    Route::Symbol { label, before: MODELS, after }
}

/// A route of one version of a model.
const fn of_version(label: &'static str, after: &'static str) -> Route {
    Route::Version { label, before: MODELS, between: VERSIONS, after }
}
