//! Says when each request is due, and how late it was itself.

use std::time::{Duration, Instant};

use engine::source::StopToken;
use hdrhistogram::Histogram;

use super::{
    backlog::{Backlog, Due},
    run::Plan,
    tally::{new_histogram, record},
};

/// How long a sleep takes at most before a stop is looked for.
const SLICE: Duration = Duration::from_millis(50);

/// What came of a schedule.
pub(super) struct Ticked {
    /// Requests that were due.
    pub(super) due: u64,
    /// Of them, those that found the backlog full.
    pub(super) refused: u64,
    /// How late the clock was with each, microseconds.
    pub(super) lag: Histogram<u64>,
    /// The schedule's time: from its first request to the end of its last one's turn.
    pub(super) elapsed: Duration,
}

/// Runs the schedule to its end, or until it is stopped.
pub(super) fn tick(plan: &Plan, backlog: &Backlog, stop: &StopToken) -> Ticked {
    let started = Instant::now();
    let mut ticked = Ticked { due: 0, refused: 0, lag: new_histogram(), elapsed: Duration::ZERO };
    for number in 0..plan.requests_max {
        let Some(after) = turn_of(number, plan) else { break };
        let at = started + after;
        if !wait_until(at, stop) {
            break;
        }
        record(&mut ticked.lag, at.elapsed());
        ticked.due += 1;
        ticked.refused += u64::from(!backlog.offer(Due { number, at }));
    }
    wait_until(started + turn_of(ticked.due, plan).unwrap_or(plan.duration), stop);
    ticked.elapsed = started.elapsed();
    ticked
}

/// When a request's turn is, from the begin; `None` where that is not before the end, or further away than time reaches.
fn turn_of(number: u64, plan: &Plan) -> Option<Duration> {
    let after = Duration::try_from_secs_f64(number as f64 / plan.rate_per_s).ok()?;
    Some(after).filter(|after| *after < plan.duration)
}

/// False where it was stopped before.
fn wait_until(at: Instant, stop: &StopToken) -> bool {
    loop {
        if stop.is_stopped() {
            return false;
        }
        let left = at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(SLICE));
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
        let ticked = tick(&plan, &Backlog::new(10), &StopToken::default());
        assert!(ticked.due == 1 && ticked.elapsed >= plan.duration, "{} in {:?}", ticked.due, ticked.elapsed);
    }
}
