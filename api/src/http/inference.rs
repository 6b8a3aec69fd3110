//! The Open Inference Protocol (`/v2`): a request's tensors become rows, a model's scores become tensors.
//!
//! A body is JSON, followed by the data of its binary tensors; [`request`] parses it, [`tensor`] reads the numbers of a
//! tensor, [`response`] writes the answer. A row is a line of one tensor, [`INPUT`], or one element of a tensor for
//! each feature. Every size is known from the model and `predict.rows_max` before data is read: announced sizes are
//! compared with it and never allocated.

pub(super) mod metadata;
pub(super) mod request;
pub(super) mod response;
pub(super) mod tensor;

/// Name of the tensor of whole rows.
pub(super) const INPUT: &str = "input__0";
/// Name of the tensor of scores.
pub(super) const OUTPUT: &str = "output__0";
/// Name of the tensor of contributions: one for each feature, in log-odds, then the base value.
pub(super) const TREESHAP_OUTPUT: &str = "treeshap_output";
/// Header with the length of the JSON before the tensors' data.
pub(super) const HEADER_LENGTH: &str = "inference-header-content-length";
/// The protocol's extensions that are supported.
pub(super) const EXTENSIONS: [&str; 3] = ["binary_tensor_data", "model_configuration", "statistics"];
