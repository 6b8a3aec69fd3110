//! Which trades are big.

use std::collections::BTreeMap;

/// Sizes of trades by their leading four bits, fading by an eighth an hour.
#[derive(Default)]
pub(super) struct Sizes {
    counts: BTreeMap<i64, u64>,
    second: Option<i64>,
    /// Least size of the largest hundredth, from a thousand trades on; renewed each minute.
    pub(super) least_big: Option<i64>,
}

impl Sizes {
    pub(super) fn take(&mut self, size: i64) {
        let kept_bits = (63 - size.max(1).leading_zeros() as i64 - 3).max(0);
        *self.counts.entry((size.max(1) >> kept_bits) << kept_bits).or_default() += 1;
    }

    pub(super) fn move_to(&mut self, second: i64) {
        let Some(before) = self.second.replace(second) else { return };
        for _ in 0..(second / 3_600 - before / 3_600).min(64) {
            self.counts.values_mut().for_each(|count| *count -= count.div_ceil(8));
        }
        if second / 60 == before / 60 {
            return;
        }
        let total: u64 = self.counts.values().sum();
        let mut above = 0;
        let least = self.counts.iter().rev().find(|(_, count)| {
            above += **count;
            above > total / 100
        });
        self.least_big = least.map(|(size, _)| *size).filter(|_| total >= 1_000);
    }
}
