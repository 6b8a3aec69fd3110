//! Counters of the front: fixed arrays of atomics that are indexed, never looked up by name while a request is served.

use std::{
    sync::{
        RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use hyper::{Method, StatusCode};

use crate::http::endpoint::{ENDPOINTS, Observed};

/// Statuses that are counted by their number; any other is `other`.
const STATUSES: [u16; 19] =
    [200, 307, 400, 404, 405, 408, 409, 413, 415, 422, 429, 500, 501, 502, 503, 504, 401, 403, 431];
/// Statuses that count as a failed prediction.
const FAILURES: [u16; 3] = [500, 503, 504];
/// Methods that are counted by their name; any other is `other`.
const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "DELETE", "other"];

/// Requests of one endpoint, by method and status.
#[derive(Debug, Default)]
struct EndpointCounts([[AtomicU64; STATUSES.len() + 1]; METHODS.len()]);

/// Requests by endpoint, method and status.
#[derive(Debug)]
pub struct RequestsTotal(Vec<EndpointCounts>);

impl Default for RequestsTotal {
    fn default() -> Self {
        // One more for unknown paths.
        Self((0..=ENDPOINTS.len()).map(|_| EndpointCounts::default()).collect())
    }
}

impl RequestsTotal {
    /// Counts a request; `endpoint` is the index in the list, `None` for an unknown path.
    pub fn count(&self, endpoint: Option<usize>, method: &Method, status: StatusCode) {
        let method = METHODS.iter().position(|&m| m == method.as_str()).unwrap_or(METHODS.len() - 1);
        let status = STATUSES.iter().position(|&s| s == status.as_u16()).unwrap_or(STATUSES.len());
        self.0[endpoint.unwrap_or(ENDPOINTS.len())].0[method][status].fetch_add(1, Relaxed);
    }

    /// All series above 0. Those of every endpoint's successes and of the predicting endpoints' failures are present
    /// from the start, because alerts use their rates and must not miss the first one. Each is method, endpoint,
    /// status, count.
    pub fn read(&self) -> Vec<(&'static str, &'static str, String, u64)> {
        let mut series = Vec::new();
        for (index, counts) in self.0.iter().enumerate() {
            let endpoint = ENDPOINTS.get(index);
            if endpoint.is_some_and(|e| e.observed == Observed::Probe) {
                continue;
            }
            let label = endpoint.map_or("other", |e| e.route.label());
            for (method, row) in METHODS.iter().zip(&counts.0) {
                for (i, cell) in row.iter().enumerate() {
                    let count = cell.load(Relaxed);
                    let expected = endpoint.is_some_and(|e| {
                        let predicts = e.observed == Observed::Prediction;
                        let status = STATUSES.get(i);
                        e.method.as_str() == *method
                            && status.is_some_and(|s| *s == 200 || predicts && FAILURES.contains(s))
                    });
                    if count > 0 || expected {
                        let status = STATUSES.get(i).map_or("other".to_owned(), u16::to_string);
                        series.push((*method, label, status, count));
                    }
                }
            }
        }
        series
    }
}

/// Upper bounds in seconds: 10 us to 10 s, with the objective's 0.8 and the alert's 1.0 as bounds.
const LATENCY_BOUNDS_S: [f64; 22] = [
    10e-6, 20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 0.1, 0.2, 0.4, 0.6,
    0.8, 1.0, 1.5, 2.5, 5.0, 10.0,
];

/// Seconds from the request's head to its answer.
#[derive(Debug, Default)]
pub struct LatencyHistogram {
    buckets: [AtomicU64; LATENCY_BOUNDS_S.len() + 1],
    sum_nanos: AtomicU64,
}

impl LatencyHistogram {
    /// Adds one observation.
    pub fn observe(&self, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        let bucket = LATENCY_BOUNDS_S.partition_point(|&bound| bound < seconds);
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.sum_nanos.fetch_add(elapsed.as_nanos() as u64, Relaxed);
    }

    /// Cumulative counts by bound, the total count, and the sum in seconds.
    pub fn read(&self) -> (Vec<(f64, u64)>, u64, f64) {
        let mut so_far = 0;
        let cumulative = LATENCY_BOUNDS_S.iter().zip(&self.buckets).map(|(&bound, bucket)| {
            so_far += bucket.load(Relaxed);
            (bound, so_far)
        });
        let cumulative: Vec<_> = cumulative.collect();
        let all = so_far + self.buckets[LATENCY_BOUNDS_S.len()].load(Relaxed);
        (cumulative, all, self.sum_nanos.load(Relaxed) as f64 * 1e-9)
    }
}

/// Counts of the predictions in one answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct PredictionCounts {
    /// Predictions at or above the threshold.
    pub spikes: u64,
    /// Predictions below it.
    pub calms: u64,
}

impl PredictionCounts {
    /// The counts of one prediction; `None`, while warming, counts nothing.
    pub fn of(spike: Option<bool>) -> Self {
        Self { spikes: u64::from(spike == Some(true)), calms: u64::from(spike == Some(false)) }
    }

    /// Adds another's.
    pub fn add(&mut self, other: Self) {
        self.spikes += other.spikes;
        self.calms += other.calms;
    }
}

/// Most versions that are counted by name; later ones share `other`, so that labels stay bounded.
const VERSIONS_MAX: usize = 32;

#[derive(Debug)]
struct VersionCounts {
    version: String,
    spikes: AtomicU64,
    calms: AtomicU64,
}

/// Predictions answered over HTTP, by the version of the model.
#[derive(Debug, Default)]
pub struct PredictionsTotal(RwLock<Vec<VersionCounts>>);

impl PredictionsTotal {
    /// Adds an answer's predictions.
    pub fn add(&self, version: &str, counts: PredictionCounts) {
        let known = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(found) = known.iter().find(|v| v.version == version) {
            found.spikes.fetch_add(counts.spikes, Relaxed);
            found.calms.fetch_add(counts.calms, Relaxed);
            return;
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let name = if known.len() < VERSIONS_MAX { version } else { "other" };
        match known.iter().find(|v| v.version == name) {
            Some(found) => {
                found.spikes.fetch_add(counts.spikes, Relaxed);
                found.calms.fetch_add(counts.calms, Relaxed);
            }
            None => known.push(VersionCounts {
                version: name.to_owned(),
                spikes: counts.spikes.into(),
                calms: counts.calms.into(),
            }),
        }
    }

    /// Version, spikes and calms of each series.
    pub fn read(&self) -> Vec<(String, u64, u64)> {
        let known = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.iter().map(|v| (v.version.clone(), v.spikes.load(Relaxed), v.calms.load(Relaxed))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_of_every_endpoint_is_counted_by_its_name() {
        let total = RequestsTotal::default();
        for (index, endpoint) in ENDPOINTS.iter().enumerate() {
            total.count(Some(index), &endpoint.method, StatusCode::OK);
        }
        total.count(None, &Method::PATCH, StatusCode::NOT_FOUND);
        let counted: Vec<_> = total.read().into_iter().filter(|(.., count)| *count > 0).collect();
        assert!(counted.contains(&("DELETE", "/models/active", "200".to_owned(), 1)), "{counted:?}");
        let others: Vec<_> = counted.iter().filter(|(method, ..)| *method == "other").collect();
        assert_eq!(others, [&("other", "other", "404".to_owned(), 1)]);
    }

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        let histogram = LatencyHistogram::default();
        histogram.observe(Duration::from_millis(800));
        histogram.observe(Duration::from_micros(3));
        histogram.observe(Duration::from_secs(60));
        let (cumulative, all, sum_s) = histogram.read();
        let at = |bound: f64| cumulative.iter().find(|(b, _)| *b == bound).unwrap().1;
        assert_eq!((at(10e-6), at(0.6), at(0.8), at(10.0), all), (1, 1, 2, 2, 3));
        assert!((sum_s - 60.800_003).abs() < 1e-6);
    }

    #[test]
    fn versions_stay_bounded() {
        let total = PredictionsTotal::default();
        for i in 0..100 {
            total.add(&format!("v{i}"), PredictionCounts::of(Some(true)));
        }
        let read = total.read();
        assert_eq!(read.len(), VERSIONS_MAX + 1);
        assert_eq!(read.iter().map(|(_, spikes, _)| spikes).sum::<u64>(), 100);
    }
}
