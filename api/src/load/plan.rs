//! The parameters of a load.

use std::time::Duration;

use crate::client::Target;

/// A load to send.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The service to load.
    pub target: Target,
    /// Requests a second.
    pub rate_per_s: f64,
    /// Length of the schedule.
    pub duration: Duration,
    /// The schedule ends early after this many requests.
    pub requests_max: u64,
    /// Kept connections.
    pub connections: usize,
    /// Threads that the connections are spread over.
    pub threads: usize,
    /// Capacity of the backlog: a request that falls due while it is full counts as not sent.
    pub outstanding_max: usize,
    /// Longest wait for an answer after sending; also the longest wait for answers at the end.
    pub timeout: Duration,
}

impl Plan {
    /// Room for the requests that fall due within `timeout`, from 1,000 to 1,000,000 so that memory stays bounded.
    pub(crate) fn outstanding_for(rate_per_s: f64, timeout: Duration) -> usize {
        ((rate_per_s * timeout.as_secs_f64()) as usize).clamp(1_000, 1_000_000)
    }
}
