//! The Open Inference Protocol (`/v2`): a request's tensors become rows, a model's scores become tensors.
//!
//! A body is JSON, then the data of its binary tensors; [`request`] takes it apart, [`tensor`] reads what one holds,
//! [`response`] writes the answer. A row comes as a line of one tensor, [`INPUT`], or as an element of one tensor a
//! feature. Every size is known from the model and `predict.rows_max` before a byte of data is read: what a client
//! announces is compared with it and never allocated.

pub(super) mod metadata;
pub(super) mod request;
pub(super) mod response;
pub(super) mod tensor;

/// The tensor of whole rows.
pub(super) const INPUT: &str = "input__0";
/// The tensor of scores.
pub(super) const OUTPUT: &str = "output__0";
/// The tensor of contributions: one a feature, in log-odds, then the base value.
pub(super) const TREESHAP_OUTPUT: &str = "treeshap_output";
/// The length of the JSON before the tensors' data.
pub(super) const HEADER_LENGTH: &str = "inference-header-content-length";
/// What of the protocol's extensions is here.
pub(super) const EXTENSIONS: [&str; 3] = ["binary_tensor_data", "model_configuration", "statistics"];
