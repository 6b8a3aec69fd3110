//! Health of the lanes: whether they make progress, what keeps them from it, and why the process must end.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, OnceLock},
    time::{Duration, Instant},
};

/// A lane that has failed this many times in a row is reported. One or two failures are normal: a broker went away, or
/// a partition was lost in a stall.
const FAILURES_MIN: u32 = 3;
/// A lane is healthy again when it works for this long after its last failure. A shorter time proves nothing: a lane
/// that cannot commit one record may commit others between two failures.
const SETTLED_AFTER: Duration = Duration::from_secs(15);

/// The reason why a lane ends the whole process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another process has taken the lane's name.
    Fenced,
    /// A setting cannot work: its key, and the text of the refusal.
    Refused(String),
}

/// A lane's failures since it was last healthy.
#[derive(Debug)]
struct Failures {
    /// The newest failure.
    reason: String,
    /// Whether somebody must mend the cause.
    needs_help: bool,
    count: u32,
    first: Instant,
    last: Instant,
    /// Whether the lane has worked since.
    is_working: bool,
}

impl Failures {
    fn is_over(&self) -> bool {
        self.is_working && self.last.elapsed() >= SETTLED_AFTER
    }
}

/// The lanes' threads write it; `/health` and the code that ends the process read it.
#[derive(Debug, Default)]
pub struct LaneReport {
    failures: Mutex<BTreeMap<usize, Failures>>,
    verdict: OnceLock<Verdict>,
}

impl LaneReport {
    /// The failure that keeps a lane from working, if there is one. A failure that somebody must mend counts at once,
    /// any other only after several failures.
    pub fn trouble(&self) -> Option<String> {
        let failures = self.lock();
        failures.iter().filter(|(_, failures)| !failures.is_over()).find_map(|(lane, failures)| {
            let Failures { reason, needs_help, count, first, .. } = failures;
            if *needs_help && !failures.is_working {
                return Some(reason.clone());
            }
            (*count >= FAILURES_MIN).then(|| {
                let seconds = first.elapsed().as_secs();
                format!(
                    "lane {lane} has begun anew {count} times in {seconds} s, the last time because: {reason}"
                )
            })
        })
    }

    /// Notes that a lane failed. `needs_help`: it will fail again until somebody mends the cause.
    pub fn fail(&self, lane: usize, reason: String, needs_help: bool) {
        self.note(lane, reason, needs_help, 1);
    }

    /// Notes that a lane goes on but is held up by something that somebody must mend.
    pub fn hold_up(&self, lane: usize, reason: String) {
        self.note(lane, reason, true, 0);
    }

    fn note(&self, lane: usize, reason: String, needs_help: bool, failed: u32) {
        let mut failures = self.lock();
        let now = Instant::now();
        let new = || Failures {
            reason: String::new(),
            needs_help,
            count: 0,
            first: now,
            last: now,
            is_working: false,
        };
        let of_lane = failures.entry(lane).or_insert_with(new);
        if of_lane.is_over() {
            *of_lane = new();
        }
        of_lane.count += failed;
        (of_lane.reason, of_lane.needs_help, of_lane.last, of_lane.is_working) =
            (reason, needs_help, now, false);
    }

    /// Notes that a lane works: it has committed what it read, or has nothing to read.
    pub fn work(&self, lane: usize) {
        let mut failures = self.lock();
        if let Some(of_lane) = failures.get_mut(&lane) {
            of_lane.is_working = true;
            if of_lane.is_over() {
                failures.remove(&lane);
            }
        }
    }

    /// The reason why the process must end, if there is one.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.get()
    }

    /// Notes that the process must end. Only the first reason is kept.
    pub fn condemn(&self, verdict: Verdict) {
        // If another lane has set a reason first, that one stays.
        let _ = self.verdict.set(verdict);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Failures>> {
        self.failures.lock().expect("no code panics while it holds the texts")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_fails_again_and_again_is_told_with_its_reason_though_it_commits_in_between() {
        let report = LaneReport::default();
        for attempt in 1..=FAILURES_MIN {
            assert_eq!(report.trouble(), None, "before attempt {attempt}");
            report.work(1);
            report.fail(1, format!("reason {attempt}"), false);
        }
        let told = report.trouble().unwrap();
        assert!(told.starts_with("lane 1 has begun anew 3 times") && told.ends_with("reason 3"), "{told}");
        report.work(1);
        assert_eq!(report.trouble(), Some(told), "one commit is not the end of it");
        report.lock().get_mut(&1).unwrap().last -= SETTLED_AFTER;
        assert_eq!(report.trouble(), None);
        report.fail(1, "much later".to_owned(), false);
        assert_eq!(report.trouble(), None, "it counts anew");
    }

    #[test]
    fn what_needs_help_is_told_at_once_and_until_the_lane_works() {
        let report = LaneReport::default();
        report.fail(0, "the topic does not exist".to_owned(), true);
        assert_eq!(report.trouble().as_deref(), Some("the topic does not exist"));
        report.work(0);
        assert_eq!(report.trouble(), None);
    }

    #[test]
    fn the_first_verdict_stays() {
        let report = LaneReport::default();
        assert_eq!(report.verdict(), None);
        report.condemn(Verdict::Fenced);
        report.condemn(Verdict::Refused("kafka.session_timeout_s".to_owned()));
        assert_eq!(report.verdict(), Some(&Verdict::Fenced));
    }
}
