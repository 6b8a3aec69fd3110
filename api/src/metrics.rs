//! The list of the service's metrics, each declared once; the engine's own list follows it.
//!
//! The front counts in plain atomics, the shards in theirs; a scrape reads both and writes Prometheus text. Serving a
//! request neither allocates for metrics nor looks one up by name.

mod families;
mod inferences;
mod list;
mod process;
mod requests;

pub use families::render;
pub use inferences::{Inferences, ModelInferences, Timed};
pub use list::{METRICS, names};
pub(crate) use process::resident_bytes;
pub use requests::{LatencyHistogram, PredictionCounts, PredictionsTotal, RequestsTotal};

use std::sync::atomic::{AtomicU64, AtomicUsize};

/// The counters of the front.
#[derive(Debug, Default)]
pub struct ServiceMetrics {
    /// `http_requests_total`.
    pub requests: RequestsTotal,
    /// `prediction_latency_seconds`.
    pub latency: LatencyHistogram,
    /// `predictions_total`.
    pub predictions: PredictionsTotal,
    /// The counts of `/v2/models/{model}/stats`.
    pub inferences: Inferences,
    /// `stormglass_http_connections_refused_total`.
    pub connections_refused: AtomicU64,
    /// `stormglass_http_connections_stalled_total`.
    pub connections_stalled: AtomicU64,
    /// `stormglass_http_bodies_bytes`.
    pub bodies_bytes: AtomicUsize,
    /// `stormglass_http_forwards_total`.
    pub forwards: ForwardsTotal,
}

/// Questions about symbols of other instances, by outcome.
#[derive(Debug, Default)]
pub struct ForwardsTotal {
    /// The owner answered.
    pub answered: AtomicU64,
    /// The owner did not answer in time.
    pub unanswered: AtomicU64,
    /// Not sent, because too many were being forwarded.
    pub refused: AtomicU64,
    /// The client was redirected to the owner.
    pub redirected: AtomicU64,
}
