//! The service level that a run must keep.

use serde::Serialize;

use super::report::LoadReport;

/// Bounds on latency and success.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Slo {
    /// Greatest p95 latency, milliseconds.
    pub p95_ms: f64,
    /// Greatest p99 latency, milliseconds; `None` sets no bound.
    pub p99_ms: Option<f64>,
    /// Least share of right answers, percent.
    pub success_percent: f64,
}

impl Default for Slo {
    fn default() -> Self {
        Self { p95_ms: 800.0, p99_ms: None, success_percent: 99.0 }
    }
}

impl Slo {
    /// Greatest p99 lateness of the generator, milliseconds: a tenth of the tightest latency bound, at least 1. The
    /// lateness is part of every latency, so a run beyond it would measure the generator.
    pub(crate) fn lag_ms_max(&self) -> f64 {
        (self.p99_ms.unwrap_or(self.p95_ms).min(self.p95_ms) / 10.0).max(1.0)
    }

    /// A sentence for each bound that the run broke; empty if it passed.
    pub(crate) fn breaches(&self, report: &LoadReport) -> Vec<String> {
        let mut breaches = Vec::new();
        let percent = report.success_percent;
        if percent < self.success_percent {
            breaches.push(format!("success is {percent:.2} %, less than {} %", self.success_percent));
        }
        for (name, found, most) in
            [("p95", report.latency_ms.p95, Some(self.p95_ms)), ("p99", report.latency_ms.p99, self.p99_ms)]
        {
            if let Some(most) = most.filter(|&most| found > most) {
                breaches.push(format!("{name} is {found:.3} ms, more than {most} ms"));
            }
        }
        if report.schedule_lag_ms.p99 > self.lag_ms_max() {
            breaches.push(format!(
                "the generator could not keep its schedule: it was {:.3} ms late at p99, more than {:.1} ms; give it a \
                 machine of its own, or a lower rate",
                report.schedule_lag_ms.p99,
                self.lag_ms_max()
            ));
        }
        if report.was_interrupted {
            breaches.push("it was interrupted before its end".to_owned());
        }
        if report.due == 0 {
            breaches.push("no request fell due".to_owned());
        }
        breaches
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{super::report::LatencyReport, *};

    /// A report of a hundred right answers, each `ms` after it was due.
    fn report(ms: f64) -> LoadReport {
        let times = |ms| LatencyReport { p50: ms, p90: ms, p95: ms, p99: ms, p999: ms, max: ms };
        LoadReport {
            url: "http://localhost:8000".to_owned(),
            inputs: "a test".to_owned(),
            inputs_distinct: 1,
            connections: 1,
            rate_asked_per_s: 100.0,
            rate_due_per_s: 100.0,
            rate_right_per_s: 100.0,
            schedule_s: 1.0,
            due: 100,
            sent: 100,
            right: 100,
            success_percent: 100.0,
            answered_by_status: BTreeMap::from([(200, 100)]),
            failures: BTreeMap::new(),
            latency_ms: times(ms),
            latency_from_send_ms: times(ms),
            send_wait_ms: times(0.1),
            schedule_lag_ms: times(0.1),
            was_interrupted: false,
        }
    }

    #[test]
    fn each_bound_is_a_breach_of_its_own() {
        let slo = Slo { p99_ms: Some(20.0), ..Slo::default() };
        assert!(slo.breaches(&report(20.0)).is_empty());
        assert_eq!(slo.breaches(&report(900.0)).len(), 2, "p95 and p99");
        let failing = LoadReport { success_percent: 98.9, ..report(1.0) };
        assert!(slo.breaches(&failing)[0].contains("98.90 %"));
        let nothing = LoadReport { due: 0, ..report(0.0) };
        assert_eq!(slo.breaches(&nothing), ["no request fell due"]);
    }

    #[test]
    fn a_generator_that_could_not_keep_up_gives_no_pass_and_says_so() {
        let late = LatencyReport { p99: 81.0, ..LatencyReport::default() };
        let breaches = Slo::default().breaches(&LoadReport { schedule_lag_ms: late, ..report(100.0) });
        assert!(breaches.len() == 1 && breaches[0].contains("could not keep its schedule"), "{breaches:?}");
        assert_eq!(Slo { p99_ms: Some(20.0), ..Slo::default() }.lag_ms_max(), 2.0);
    }
}
