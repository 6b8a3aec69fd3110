//! Counts the outcomes of requests and their latencies.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

/// The longest time that a histogram records, microseconds: an hour. Longer ones are recorded as this.
const MICROS_MAX: u64 = 3_600_000_000;
/// Significant decimal digits of a recorded time.
const SIGNIFICANT_DIGITS: u8 = 3;

/// An empty histogram of times in microseconds.
pub(super) fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MICROS_MAX, SIGNIFICANT_DIGITS)
        .expect("the bounds are constants that it takes")
}

/// Records a time; one beyond the bound as the bound.
pub(super) fn record(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record(u64::try_from(time.as_micros()).unwrap_or(MICROS_MAX).max(1));
}

/// The outcome of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The whole answer came.
    Answered { status: u16, is_right: bool },
    /// No answer; the kind of failure, such as `timeout` or `refused`.
    Failed(&'static str),
    /// The run was stopped before the answer came.
    CutOff,
}

/// Kind of failure: a 2xx answer for another symbol or row than the requested one.
const WRONG: &str = "wrong_answer";
/// Kind of failure: a request that was due and never sent.
const NOT_SENT: &str = "not_sent";
/// Kind of failure: a request whose answer the run did not wait for.
const CUT_OFF: &str = "cut_off";

/// Outcomes and latencies of a run, or of one of its threads.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    /// Requests sent.
    pub sent: u64,
    /// Number of these with a right answer: 2xx, and for the requested symbol or row.
    pub right: u64,
    /// Answers by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Failures by kind.
    pub failures: BTreeMap<&'static str, u64>,
    /// From the instant that a request was due to the end of its answer, or to its timeout; microseconds.
    pub latency: Histogram<u64>,
    /// From the instant that a request was sent to the same end; microseconds.
    pub from_send: Histogram<u64>,
    /// From the instant that a request was due to the instant that it was sent; microseconds.
    pub wait: Histogram<u64>,
    /// Time of the last answer.
    pub last_at: Option<Instant>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            sent: 0,
            right: 0,
            by_status: BTreeMap::new(),
            failures: BTreeMap::new(),
            latency: new_histogram(),
            from_send: new_histogram(),
            wait: new_histogram(),
            last_at: None,
        }
    }
}

impl Tally {
    /// Counts one request. One that failed at once, for example because nobody listens, has no latency: its short time
    /// would improve the service's.
    pub(super) fn record_outcome(
        &mut self,
        outcome: &Outcome,
        due_at: Instant,
        sent_at: Instant,
        now: Instant,
    ) {
        self.sent += 1;
        record(&mut self.wait, sent_at - due_at);
        match *outcome {
            Outcome::Answered { status, is_right } => {
                *self.by_status.entry(status).or_default() += 1;
                let is_success = (200..300).contains(&status);
                self.right += u64::from(is_success && is_right);
                if is_success && !is_right {
                    self.fail(WRONG, 1);
                }
            }
            Outcome::Failed(kind) => self.fail(kind, 1),
            Outcome::CutOff => self.fail(CUT_OFF, 1),
        }
        if matches!(outcome, Outcome::Answered { .. } | Outcome::Failed("timeout")) {
            record(&mut self.latency, now - due_at);
            record(&mut self.from_send, now - sent_at);
        }
        if matches!(outcome, Outcome::Answered { .. }) {
            self.last_at = Some(now);
        }
    }

    /// Counts requests that were due and never sent.
    pub(super) fn count_not_sent(&mut self, count: u64) {
        if count > 0 {
            self.fail(NOT_SENT, count);
        }
    }

    fn fail(&mut self, kind: &'static str, count: u64) {
        *self.failures.entry(kind).or_default() += count;
    }

    /// Adds another thread's tally.
    pub(super) fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.right += other.right;
        for (&status, count) in &other.by_status {
            *self.by_status.entry(status).or_default() += count;
        }
        for (&kind, &count) in &other.failures {
            self.fail(kind, count);
        }
        for (histogram, others) in [
            (&mut self.latency, &other.latency),
            (&mut self.from_send, &other.from_send),
            (&mut self.wait, &other.wait),
        ] {
            histogram.add(others).expect("all have the same bounds");
        }
        self.last_at = self.last_at.max(other.last_at);
    }
}
