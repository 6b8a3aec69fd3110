//! The service around the engine: configuration, command line, HTTP, metrics, logs.
//!
//! Only this crate reads configuration, environment and signals. A process runs [`cli`] (picks the subcommand) ->
//! [`config`] (merges the layers) -> `log` -> the engine -> [`http`] (the front), until a signal makes it drain and
//! exit.
//!
//! - [`cli`]: one file a subcommand, and the exit codes
//! - [`config`]: keys, layers, origins; `config/stormglass.toml` explains every key
//! - `drift`: compares a table's columns with another table's, or with a model's training data
//! - [`evaluate`]: evaluates predictions on later data against simple forecasts
//! - [`export`]: grid rows as a parquet table; `table_file`: format, schema and special columns of a table file
//! - `capacity`: measures what a machine holds, and plans
//! - `doctor`: RUNBOOK's checks, one file each
//! - `load`: requests at a fixed rate, for `load-test` and `capacity`; [`client`]: the HTTP client of commands
//! - [`http`]: the HTTP front, one file an endpoint; everything a client can do has a bound
//! - [`models`]: the versions of the model, and their changes at run time
//! - `tick_sum`: the summary that every command which reads ticks ends with
//! - [`metrics`]: every metric declared once; the engine's list follows the service's own
//! - `log`: one JSON object a line, repeats limited
//!
//! Guarantees to clients: every answer has `X-Request-Id`; every error is problem+json with `error`; every wait has a
//! bound; a prediction is the engine's own bytes with `age_ms` added.
//!
//! Absent on purpose: TLS (a proxy's work), a second HTTP version, handlers that lock. Not there yet: a client's rate
//! (429).

mod build_info;
mod capacity;
pub mod cli;
pub mod client;
pub mod config;
mod disk;
mod doctor;
#[cfg(feature = "drift")]
mod drift;
#[cfg(feature = "learn")]
pub mod evaluate;
#[cfg(feature = "parquet")]
pub mod export;
pub mod http;
mod load;
mod log;
pub mod metrics;
mod model_file;
pub mod models;
pub mod shipped;
mod table_file;
mod text;
mod tick_sum;
#[cfg(feature = "learn")]
pub mod training;
pub mod wiring;

/// The present time in UTC, RFC 3339 with milliseconds and `Z`.
pub fn now_text() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}
