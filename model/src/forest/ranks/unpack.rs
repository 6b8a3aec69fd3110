//! Maps a slot and a rank back to the condition.

use super::{
    ALWAYS_LEFT, Ranker,
    table::{Table, Tables},
};
use crate::forest::wide::{MissingRule, Precision};

/// `row[feature] < threshold` goes left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Condition {
    pub(crate) feature: u16,
    pub(crate) threshold: f64,
    pub(crate) missing: MissingRule,
}

impl Ranker {
    /// The type that values are rounded to before they are compared.
    pub(crate) fn values(&self) -> Precision {
        match self.tables {
            Tables::Single(_) => Precision::Single,
            Tables::Double(_) => Precision::Double,
        }
    }

    /// The condition of a slot and a rank; `None` for one that sends everything left.
    ///
    /// # Panics
    /// If there is no such slot.
    pub(crate) fn condition(&self, slot: u8, rank: u8) -> Option<Condition> {
        if rank == ALWAYS_LEFT {
            return None;
        }
        // Without any slot the row is all zeroes, and no rank is below zero.
        let number =
            self.ranked.partition_point(|ranked| ranked.first_slot <= u16::from(slot)).checked_sub(1)?;
        let ranked = &self.ranked[number];
        let threshold = match &self.tables {
            Tables::Single(tables) => f64::from(tables[number].threshold(rank)),
            Tables::Double(tables) => tables[number].threshold(rank),
        };
        // A rank of 0.0 that is 0 or 255 sends NaN where these rules do.
        let missing = match ranked.stand_ins[usize::from(slot) - usize::from(ranked.first_slot)] {
            0 => MissingRule::Left,
            255 => MissingRule::Right,
            _ => MissingRule::Zero,
        };
        // Every value is below the position after the last threshold.
        let threshold = if threshold.is_nan() { f64::INFINITY } else { threshold };
        Some(Condition { feature: ranked.feature, threshold, missing })
    }
}

impl<T: Copy> Table<T> {
    /// The threshold of a rank; NaN after the last.
    fn threshold(&self, rank: u8) -> T {
        self.sixteens[usize::from(rank) / 16][usize::from(rank) % 16]
    }
}
