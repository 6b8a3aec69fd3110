//! Measures how much other processes used the processors during a measurement: on a busy machine, the results describe
//! only a part of it.

use std::fs;

use serde::Serialize;

/// Share of all processors' time above which use by other processes makes a measurement noisy.
const OTHERS_SHARE_MAX: f64 = 0.10;
/// Share of processor time taken by the host of a virtual machine above which a measurement is noisy.
const STEAL_SHARE_MAX: f64 = 0.02;

/// Processor time in the kernel's ticks: since boot, and of this process (`own`).
#[derive(Clone, Copy, Debug, Default)]
struct ProcessorTime {
    total: u64,
    idle: u64,
    steal: u64,
    own: u64,
}

impl ProcessorTime {
    fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let own = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        Self::parse(&stat, &own)
    }

    /// Parses `/proc/stat` and `/proc/self/stat`. The former begins `cpu user nice system idle iowait irq softirq
    /// steal`; time of guests is part of `user`.
    fn parse(stat: &str, own: &str) -> Self {
        let fields: Vec<u64> = stat
            .lines()
            .find_map(|line| line.strip_prefix("cpu "))
            .map(|rest| rest.split_whitespace().take(8).filter_map(|field| field.parse().ok()).collect())
            .unwrap_or_default();
        let field = |index: usize| fields.get(index).copied().unwrap_or(0);
        // The process's name may contain spaces and brackets. After it, `state` is the first field, utime and stime are
        // the 12th and 13th.
        let own: u64 = own
            .rsplit_once(") ")
            .map(|(_, rest)| rest.split(' ').skip(11).take(2).filter_map(|f| f.parse::<u64>().ok()).sum())
            .unwrap_or(0);
        Self { total: fields.iter().sum(), idle: field(3) + field(4), steal: field(7), own }
    }
}

/// Remembers the processor time at the start of a measurement.
pub(super) struct NoiseMonitor(ProcessorTime);

impl NoiseMonitor {
    pub(super) fn start() -> Self {
        Self(ProcessorTime::now())
    }

    pub(super) fn report(&self) -> NoiseReport {
        NoiseReport::between(&self.0, &ProcessorTime::now())
    }
}

/// Shares of all processors' time during a measurement, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct NoiseReport {
    /// Used by other processes.
    pub others_share: f64,
    /// Taken by the host of a virtual machine.
    pub steal_share: f64,
    /// Whether either share is above its limit, so that the measurement understates the machine.
    pub is_noisy: bool,
}

impl NoiseReport {
    fn between(from: &ProcessorTime, to: &ProcessorTime) -> Self {
        let share = |part: u64| {
            let total = to.total.saturating_sub(from.total);
            if total == 0 { 0.0 } else { part as f64 / total as f64 }
        };
        let since = |later: u64, earlier: u64| later.saturating_sub(earlier);
        let (idle, steal) = (since(to.idle, from.idle), since(to.steal, from.steal));
        let own = since(to.own, from.own);
        let others = since(to.total, from.total).saturating_sub(idle + steal + own);
        let (others_share, steal_share) = (share(others), share(steal));
        Self {
            others_share,
            steal_share,
            is_noisy: others_share > OTHERS_SHARE_MAX || steal_share > STEAL_SHARE_MAX,
        }
    }

    /// A line of the printed report.
    pub(crate) fn sentence(&self) -> String {
        let (others, steal) = (100.0 * self.others_share, 100.0 * self.steal_share);
        let verdict = if self.is_noisy {
            "the machine was busy: the numbers are those of a part of it, run this alone"
        } else {
            "the machine was quiet"
        };
        format!("other processes used {others:.1} % of the processors, the host took {steal:.1} %: {verdict}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_used_is_what_nobody_else_accounts_for() {
        let own = |ticks: u64| format!("7 (a) b) S 1 1 1 0 -1 0 0 0 0 0 {ticks} 5 0 0");
        let from = ProcessorTime::parse("cpu  100 0 50 800 10 0 0 40 0 0\ncpu0 1\n", &own(10));
        let to = ProcessorTime::parse("cpu  180 0 70 880 10 0 0 60 0 0\n", &own(40));
        let report = NoiseReport::between(&from, &to);
        // 200 passed: 80 idle, 20 stolen, 30 ours.
        assert_eq!((report.others_share, report.steal_share, report.is_noisy), (0.35, 0.1, true));
        let quiet = NoiseReport::between(&from, &from);
        assert_eq!((quiet.others_share, quiet.is_noisy), (0.0, false));
    }
}
