//! Puts each request into the backlog when it is due, and records its own lateness.

use std::time::{Duration, Instant};

use engine::stop::StopToken;
use hdrhistogram::Histogram;

use super::{
    backlog::{Backlog, Due},
    plan::Plan,
    tally::{new_histogram, record},
};

/// Longest sleep before the stop token is checked.
const SLEEP_MAX: Duration = Duration::from_millis(50);

/// The result of a schedule.
pub(super) struct ScheduleReport {
    /// Requests that fell due.
    pub(super) due: u64,
    /// Number of these that found the backlog full.
    pub(super) refused: u64,
    /// Lateness of each request's entry into the backlog, microseconds.
    pub(super) lag: Histogram<u64>,
    /// Time from the first request to the time at which the next one after the last would have been due.
    pub(super) elapsed: Duration,
}

/// Runs the schedule to its end, or until it is stopped.
pub(super) fn run_schedule(plan: &Plan, backlog: &Backlog, stop: &StopToken) -> ScheduleReport {
    let started = Instant::now();
    let mut report = ScheduleReport { due: 0, refused: 0, lag: new_histogram(), elapsed: Duration::ZERO };
    for number in 0..plan.requests_max {
        let Some(after) = due_after(number, plan) else { break };
        let at = started + after;
        if !wait_until(at, stop) {
            break;
        }
        record(&mut report.lag, at.elapsed());
        report.due += 1;
        report.refused += u64::from(!backlog.try_push(Due { number, at }));
    }
    wait_until(started + due_after(report.due, plan).unwrap_or(plan.duration), stop);
    report.elapsed = started.elapsed();
    report
}

/// Time from the start until a request is due; `None` if that is after the plan's end, or more than a [`Duration`]
/// holds.
fn due_after(number: u64, plan: &Plan) -> Option<Duration> {
    let after = Duration::try_from_secs_f64(number as f64 / plan.rate_per_s).ok()?;
    Some(after).filter(|after| *after < plan.duration)
}

/// Sleeps until `at`; returns false if `stop` was set before.
fn wait_until(at: Instant, stop: &StopToken) -> bool {
    loop {
        if stop.is_stopped() {
            return false;
        }
        let left = at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(SLEEP_MAX));
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn a_rate_whose_second_request_is_beyond_time_has_one() {
        let plan = Plan {
            target: SocketAddr::from(([127, 0, 0, 1], 1)).into(),
            rate_per_s: 1e-30,
            duration: Duration::from_millis(5),
            requests_max: u64::MAX,
            connections: 1,
            threads: 1,
            outstanding_max: 10,
            timeout: Duration::from_secs(1),
        };
        let report = run_schedule(&plan, &Backlog::new(10), &StopToken::default());
        assert!(report.due == 1 && report.elapsed >= plan.duration, "{} in {:?}", report.due, report.elapsed);
    }
}
