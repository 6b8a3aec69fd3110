//! The report of a run: JSON by its fields, and text.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{inputs::Inputs, plan::Plan, run::RunResult, slo::Slo};

/// Quantiles of a time, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct LatencyReport {
    pub p50: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl From<&Histogram<u64>> for LatencyReport {
    fn from(histogram: &Histogram<u64>) -> Self {
        let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max() as f64 / 1e3,
        }
    }
}

/// The result of a run, for the service and the generator.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LoadReport {
    /// Address of the service.
    pub url: String,
    /// A description of the requests' origin.
    pub inputs: String,
    /// Number of distinct requests.
    pub inputs_distinct: usize,
    /// Kept connections.
    pub connections: usize,
    /// Requests a second of the plan.
    pub rate_asked_per_s: f64,
    /// Requests a second that fell due.
    pub rate_due_per_s: f64,
    /// Right answers a second, until the last answer.
    pub rate_right_per_s: f64,
    /// Duration of the schedule, seconds.
    pub schedule_s: f64,
    /// Requests that fell due.
    pub due: u64,
    /// Number of these that were sent.
    pub sent: u64,
    /// Number of these with a right answer: 2xx, and for the requested symbol or row.
    pub right: u64,
    /// Right answers among the requests that fell due, percent.
    pub success_percent: f64,
    /// Answers by status.
    pub answered_by_status: BTreeMap<u16, u64>,
    /// Failures by kind, such as `timeout` or `not_sent`.
    pub failures: BTreeMap<&'static str, u64>,
    /// From the instant that a request was due to the end of its answer.
    pub latency_ms: LatencyReport,
    /// From the sending to the end of the answer: the time that the service alone took, which a generator that waits
    /// for each answer would report.
    pub latency_from_send_ms: LatencyReport,
    /// From the instant that a request was due to its sending: the wait for a free connection, and the generator's
    /// lateness.
    pub send_wait_ms: LatencyReport,
    /// Lateness of the generator's clock.
    pub schedule_lag_ms: LatencyReport,
    /// Whether the run was stopped before its end.
    pub was_interrupted: bool,
}

impl LoadReport {
    pub(super) fn new(plan: &Plan, inputs: &Inputs, ran: &RunResult) -> Self {
        let tally = &ran.tally;
        let per_s = |count: u64, seconds: f64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let (schedule_s, elapsed_s) = (ran.schedule.as_secs_f64(), ran.elapsed.as_secs_f64());
        Self {
            url: plan.target.to_string(),
            inputs: inputs.source.clone(),
            inputs_distinct: inputs.count(),
            connections: plan.connections,
            rate_asked_per_s: plan.rate_per_s,
            rate_due_per_s: per_s(ran.due, schedule_s),
            rate_right_per_s: per_s(tally.right, elapsed_s),
            schedule_s,
            due: ran.due,
            sent: tally.sent,
            right: tally.right,
            success_percent: if ran.due == 0 { 0.0 } else { 100.0 * tally.right as f64 / ran.due as f64 },
            answered_by_status: tally.by_status.clone(),
            failures: tally.failures.clone(),
            latency_ms: (&tally.latency).into(),
            latency_from_send_ms: (&tally.from_send).into(),
            send_wait_ms: (&tally.wait).into(),
            schedule_lag_ms: (&ran.lag).into(),
            was_interrupted: ran.was_stopped,
        }
    }

    /// Writes the report as text: rates, answers, latencies, and whether the service level was kept.
    pub(crate) fn print(&self, slo: &Slo, out: &mut dyn Write) -> io::Result<()> {
        let counts =
            |counts: Vec<String>| if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
        let statuses =
            self.answered_by_status.iter().map(|(status, count)| format!("{status}: {count}")).collect();
        let failures = self.failures.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
        writeln!(out, "{} by {} kept connections", self.url, self.connections)?;
        writeln!(out, "{}", self.inputs)?;
        writeln!(out)?;
        writeln!(
            out,
            "rate        {:.1}/s asked, {:.1}/s due over {:.2} s, {:.1}/s answered right",
            self.rate_asked_per_s, self.rate_due_per_s, self.schedule_s, self.rate_right_per_s
        )?;
        writeln!(out, "requests    {} due, {} sent, {} right", self.due, self.sent, self.right)?;
        writeln!(out, "answers     {}", counts(statuses))?;
        writeln!(out, "failures    {}", counts(failures))?;
        writeln!(out)?;
        writeln!(
            out,
            "{:<28}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "milliseconds", "p50", "p90", "p95", "p99", "p99.9", "max"
        )?;
        for (name, times) in [
            ("latency, from when due", &self.latency_ms),
            ("latency, from the sending", &self.latency_from_send_ms),
            ("wait to be sent", &self.send_wait_ms),
            ("generator behind schedule", &self.schedule_lag_ms),
        ] {
            let LatencyReport { p50, p90, p95, p99, p999, max } = times;
            writeln!(out, "{name:<28}{p50:>10.3}{p90:>10.3}{p95:>10.3}{p99:>10.3}{p999:>10.3}{max:>10.3}")?;
        }
        writeln!(out)?;
        let p99 = slo.p99_ms.map_or_else(String::new, |p99_ms| format!(", p99 <= {p99_ms} ms"));
        let level = format!("p95 <= {} ms{p99}, success >= {} %", slo.p95_ms, slo.success_percent);
        let percent = self.success_percent;
        match slo.breaches(self).as_slice() {
            [] => writeln!(out, "passed: {level} (success {percent:.2} %)"),
            breaches => writeln!(out, "not passed: {level}: {}", breaches.join("; ")),
        }
    }
}
