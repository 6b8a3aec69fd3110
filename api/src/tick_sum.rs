//! The summary that every command which reads ticks ends with: counts of records and ticks, and of dropped ones by
//! reason.

use std::fmt;

use engine::intake::{Tally, TickOutcomes};
use serde::Serialize;

/// Counts of the records that a command read, and of the ticks in them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TickSum {
    /// Counts of the records and of the ticks in them.
    #[serde(flatten)]
    pub tally: Tally,
    /// Outcomes of the ticks in the engine's core; `None` if they went through none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<TickOutcomes>,
}

impl TickSum {
    /// The summary of records whose ticks went through no core.
    pub(crate) fn of_records(tally: Tally) -> Self {
        Self { tally, outcomes: None }
    }

    /// The failure of a command that found no tick in the records it read; `None` if it found one.
    pub(crate) fn failure(&self) -> Option<String> {
        let records = self.tally.records;
        self.tally.is_without_ticks().then(|| format!("no tick came of {records} records"))
    }

    /// The number of used ticks, as `900 of 1000 ticks` or `1000 ticks`.
    #[cfg(feature = "learn")]
    pub(crate) fn used(&self) -> String {
        let ticks = self.tally.ticks;
        match self.outcomes {
            Some(outcomes) if outcomes.accepted != ticks => format!("{} of {ticks} ticks", outcomes.accepted),
            _ => format!("{ticks} ticks"),
        }
    }
}

impl fmt::Display for TickSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = self.tally.to_string();
        // The outcomes of the ticks belong on the first line, before the remarks about files.
        let (first, rest) = tally.split_once('\n').unwrap_or((&tally, ""));
        f.write_str(first)?;
        if let Some(outcomes) = self.outcomes.filter(|_| !self.tally.is_without_ticks()) {
            write!(f, "; of the ticks {outcomes}")?;
        }
        if rest.is_empty() { Ok(()) } else { write!(f, "\n{rest}") }
    }
}
