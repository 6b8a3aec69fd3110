//! The tally of a source's records, with which every command that reads ticks ends.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{
    decode::{NoTickKind, Unreadable, explain},
    metrics::ShardMetrics,
};

/// Different remarks that are kept; further ones are counted.
const REMARKS_MAX: usize = 32;

/// Records that could not be read, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// How many, or how many tickers in such.
    pub count: u64,
    /// Where the first is: `FILE:LINE`, or `partition PARTITION, offset OFFSET`.
    pub first: String,
    /// The reason in words, with a description of the first record.
    pub text: String,
}

/// Records that could not be read, by [`Unreadable::reason`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Faults(pub BTreeMap<&'static str, Fault>);

impl Faults {
    /// Counts what could not be read; `place` is asked for the first of a reason only.
    pub fn note(&mut self, reason: Unreadable, record: &[u8], place: impl FnOnce() -> String) {
        match self.0.get_mut(reason.reason()) {
            Some(fault) => fault.count += 1,
            None => {
                let fault = Fault { count: 1, first: place(), text: explain(reason, record) };
                self.0.insert(reason.reason(), fault);
            }
        }
    }

    /// All of them, whatever the reason.
    pub fn count(&self) -> u64 {
        self.0.values().map(|fault| fault.count).sum()
    }
}

/// Each reason with its count and its first, parted by semicolons.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (reason, Fault { count, first, text })) in self.0.iter().enumerate() {
            let parted = if i == 0 { "" } else { "; " };
            write!(f, "{parted}{} {reason}, first at {first}: {text}", grouped(*count))?;
        }
        Ok(())
    }
}

/// A remark about files, and the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// The first of them.
    pub first: String,
    /// How many.
    pub files: u64,
}

/// How many records a source has read, and how many of them for which reason gave no tick.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Records read.
    pub records: u64,
    /// Ticks in them that could be read.
    pub ticks: u64,
    /// Records, or tickers in one, that could not be read.
    pub unreadable: Faults,
    /// Records without a tick, by [`NoTickKind::name`].
    pub without_tick: BTreeMap<&'static str, u64>,
    /// Remarks about files: what was assumed about them, and what is odd.
    pub remarks: BTreeMap<String, Remark>,
    /// Remarks beyond those that are kept.
    pub remarks_left_out: u64,
}

impl Tally {
    /// Counts a record without a tick.
    pub fn without_tick(&mut self, kind: NoTickKind) {
        *self.without_tick.entry(kind.name()).or_default() += 1;
    }

    /// Keeps a remark about a file.
    pub fn remark(&mut self, file: &str, remark: String) {
        if let Some(known) = self.remarks.get_mut(&remark) {
            known.files += 1;
        } else if self.remarks.len() < REMARKS_MAX {
            self.remarks.insert(remark, Remark { first: file.to_owned(), files: 1 });
        } else {
            self.remarks_left_out += 1;
        }
    }

    /// Whether there is nothing to go on with: no tick came of the records, however many there were.
    pub fn is_without_ticks(&self) -> bool {
        self.ticks == 0
    }
}

/// The sum on the first line, each remark on one of its own.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records read, {} ticks", grouped(self.records), grouped(self.ticks))?;
        if !self.unreadable.0.is_empty() {
            write!(f, "; {}", self.unreadable)?;
        }
        for (kind, count) in &self.without_tick {
            write!(f, "; {} without a tick ({kind})", grouped(*count))?;
        }
        for (remark, Remark { first, files }) in &self.remarks {
            match files - 1 {
                0 => write!(f, "\n{first}: {remark}")?,
                more => write!(f, "\n{first} and {} more: {remark}", grouped(more))?,
            }
        }
        if self.remarks_left_out > 0 {
            write!(f, "\n{} further remarks are left out", grouped(self.remarks_left_out))?;
        }
        Ok(())
    }
}

/// How many of the ticks that a core took were accepted, or dropped for which reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TickOutcomes {
    /// Ticks that entered the state of their symbol.
    pub accepted: u64,
    /// Older than their symbol's newest.
    pub late: u64,
    /// Their trade id was among the symbol's last 1,024.
    pub repeated: u64,
    /// A time more than an hour ahead of the symbol's newest, and alone.
    pub jump: u64,
    /// A price far from the symbol's newest, and alone.
    pub outlier: u64,
    /// Accepted ticks whose taker side was inferred.
    pub sides_inferred: u64,
}

impl TickOutcomes {
    /// The counts of a shard so far.
    pub fn of(metrics: &ShardMetrics) -> Self {
        Self {
            accepted: metrics.ticks_accepted.get(),
            late: metrics.ticks_late.get(),
            repeated: metrics.ticks_repeated.get(),
            jump: metrics.ticks_jump.get(),
            outlier: metrics.ticks_outlier.get(),
            sides_inferred: metrics.sides_inferred.get(),
        }
    }

    /// The sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            late: self.late + other.late,
            repeated: self.repeated + other.repeated,
            jump: self.jump + other.jump,
            outlier: self.outlier + other.outlier,
            sides_inferred: self.sides_inferred + other.sides_inferred,
        }
    }

    /// The difference to the earlier counts `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            accepted: self.accepted - before.accepted,
            late: self.late - before.late,
            repeated: self.repeated - before.repeated,
            jump: self.jump - before.jump,
            outlier: self.outlier - before.outlier,
            sides_inferred: self.sides_inferred - before.sides_inferred,
        }
    }
}

/// The accepted ticks, and each reason for which some were dropped.
impl fmt::Display for TickOutcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} accepted", grouped(self.accepted))?;
        for (name, count) in [
            ("late", self.late),
            ("repeated", self.repeated),
            ("jump", self.jump),
            ("outlier", self.outlier),
            ("sides_inferred", self.sides_inferred),
        ] {
            if count > 0 {
                write!(f, ", {} {name}", grouped(count))?;
            }
        }
        Ok(())
    }
}

/// A count with its digits in groups of three.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_names_every_reason_with_its_first_place() {
        let mut tally = Tally { records: 9_502, ticks: 0, ..Tally::default() };
        tally.unreadable.note(Unreadable::ColumnCount, b"1,2", || "a.csv:1".to_owned());
        for _ in 1..9_500 {
            tally
                .unreadable
                .note(Unreadable::ColumnCount, b"1,2", || unreachable!("asked for the first only"));
        }
        tally.without_tick(NoTickKind::Header);
        tally.remark("a.csv", "times in seconds".to_owned());
        tally.remark("b.csv", "times in seconds".to_owned());
        let text = tally.to_string();
        let start =
            "9,502 records read, 0 ticks; 9,500 column_count, first at a.csv:1: the line does not have";
        assert!(text.starts_with(start), "{text}");
        assert!(text.contains("; 1 without a tick (header)\na.csv and 1 more: times in seconds"), "{text}");
        assert!(tally.is_without_ticks());
    }

    #[test]
    fn remarks_are_bounded() {
        let mut tally = Tally::default();
        (0..100).for_each(|i| tally.remark("f", i.to_string()));
        assert_eq!((tally.remarks.len(), tally.remarks_left_out), (REMARKS_MAX, 68));
    }

    #[test]
    fn outcomes_show_what_was_dropped() {
        let outcomes = TickOutcomes { accepted: 80, late: 1_320, ..TickOutcomes::default() };
        assert_eq!(outcomes.to_string(), "80 accepted, 1,320 late");
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
