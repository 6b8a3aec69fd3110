//! The service around the engine: configuration, command line, HTTP, metrics, logs.
//!
//! Only this crate reads configuration, environment and signals. A process's life is [`cli`] (which subcommand) ->
//! [`config`] (what is in force) -> `log` -> the engine -> [`http`] (the front) -> a signal -> drain -> exit.
//!
//! - [`cli`]: one file a subcommand, and the exit codes
//! - [`config`]: keys, layers, origins; `config/stormglass.toml` explains every key
//! - `drift`: whether columns are still distributed as they were, or as a model saw them
//! - [`evaluate`]: how good predictions are on later data, and against what
//! - [`export`]: grid rows as a parquet table; `table_file`: what is known of a table before its columns are read
//! - `capacity`: what a machine holds, measured and planned
//! - `doctor`: RUNBOOK's checks, one file each
//! - `load`: requests at a fixed rate, for `load-test` and `capacity`; [`client`]: how a command asks a service
//! - [`http`]: one file an endpoint; bounds on everything a client can do
//! - [`models`]: the versions of the model, and how they change while requests are answered
//! - `tick_sum`: the summary that every command which reads ticks ends with
//! - [`metrics`]: every metric declared once; the engine's list is shown behind the service's own
//! - `log`: one JSON object a line, repeats limited
//!
//! What a client may rely on: every answer carries `X-Request-Id`; every error is problem+json with `error`; nothing
//! waits without a bound; a prediction is the engine's own bytes with `age_ms` added.
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
