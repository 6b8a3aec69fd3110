//! The tables that rank a row: for each feature 16 pivots, then 16 thresholds between two of them.

use super::{RANK_SLOTS_MAX, RankRow, THRESHOLDS_MAX};
use crate::{
    file::v1::ArchivedRanks,
    forest::{canonical::Missing, wide::Precision},
    row::Row,
};

/// A feature's thresholds, ascending, padded with NaN, which no value is at or above.
#[repr(C, align(64))]
#[derive(Clone, Debug)]
pub(super) struct Table<T> {
    /// The last threshold of each sixteen.
    pub(super) pivots: [T; 16],
    pub(super) sixteens: [[T; 16]; 16],
}

/// The features' tables, in the type in which values are compared.
#[derive(Clone, Debug)]
pub(super) enum Tables {
    Single(Vec<Table<f32>>),
    Double(Vec<Table<f64>>),
}

/// A feature with its slots, which are side by side.
#[derive(Clone, Debug)]
pub(super) struct Ranked {
    pub(super) feature: u16,
    pub(super) first_slot: u16,
    /// For each slot, the rank used for NaN. A fourth is written after the last slot, and the next feature overwrites
    /// it.
    pub(super) stand_ins: [u8; 4],
}

/// Ranks rows: for each feature, the number of thresholds not above its value.
#[derive(Clone, Debug)]
pub(crate) struct Ranker {
    /// The table of each feature, parallel to `ranked`.
    pub(super) tables: Tables,
    pub(super) ranked: Vec<Ranked>,
    slot_count: usize,
}

impl<T: Copy + PartialOrd> Table<T> {
    fn of(thresholds: &[T], nan: T) -> Self {
        let mut table = Self { pivots: [nan; 16], sixteens: [[nan; 16]; 16] };
        for (at, &threshold) in thresholds.iter().enumerate() {
            table.sixteens[at / 16][at % 16] = threshold;
        }
        for (pivot, sixteen) in table.pivots.iter_mut().zip(&table.sixteens) {
            *pivot = sixteen[15];
        }
        table
    }

    /// The number of thresholds that are not above `value`; 0 for NaN.
    #[inline(always)]
    fn rank(&self, value: T) -> u8 {
        let count = |thresholds: &[T; 16]| {
            thresholds.iter().map(|&threshold| u8::from(threshold <= value)).sum::<u8>()
        };
        // The last sixteen has at most 15 thresholds, so its pivot is NaN and is not counted.
        let sixteens = count(&self.pivots) & 15;
        16 * sixteens + count(&self.sixteens[usize::from(sixteens)])
    }
}

impl Tables {
    fn push(&mut self, thresholds: &[f64]) -> Result<(), String> {
        match self {
            Self::Single(tables) => {
                let singles: Vec<f32> = thresholds.iter().map(|&threshold| threshold as f32).collect();
                let exact = |(&single, &threshold): (&f32, &f64)| f64::from(single) == threshold;
                if !singles.iter().zip(thresholds).all(exact) {
                    return Err("a threshold is no f32".to_owned());
                }
                tables.push(Table::of(&singles, f32::NAN));
            }
            Self::Double(tables) => tables.push(Table::of(thresholds, f64::NAN)),
        }
        Ok(())
    }
}

impl Ranker {
    /// Checks a file's thresholds and slots, and builds the tables.
    ///
    /// # Errors
    /// The first rule of FORMAT.md's `Ranks` that it breaks.
    pub(crate) fn check(archived: &ArchivedRanks, feature_count: usize) -> Result<Self, String> {
        if archived.slots.len() > RANK_SLOTS_MAX {
            return Err(format!("{} slots; {RANK_SLOTS_MAX} are possible", archived.slots.len()));
        }
        let tables = match Precision::from_code(archived.values) {
            Some(Precision::Single) => Tables::Single(Vec::new()),
            Some(Precision::Double) => Tables::Double(Vec::new()),
            None => return Err(format!("number type {} is unknown", archived.values)),
        };
        let mut ranker = Self { tables, ranked: Vec::new(), slot_count: archived.slots.len() };
        let (mut threshold_at, mut slot_at) = (0, 0);
        for (number, of_feature) in archived.features.iter().enumerate() {
            let feature = of_feature.feature.to_native();
            let last = ranker.ranked.last().map(|ranked| ranked.feature);
            if usize::from(feature) >= feature_count || last.is_some_and(|last| last >= feature) {
                return Err(format!(
                    "ranked feature {number} is {feature} of {feature_count}, after {last:?}"
                ));
            }
            let count = usize::from(of_feature.thresholds.to_native());
            let thresholds = archived.thresholds.get(threshold_at..threshold_at + count);
            let thresholds: Vec<f64> = thresholds
                .ok_or_else(|| format!("feature {feature}: {count} thresholds are not there"))?
                .iter()
                .map(|threshold| threshold.to_native())
                .collect();
            check_thresholds(&thresholds).map_err(|what| format!("feature {feature}: {what}"))?;
            threshold_at += count;
            let zero = thresholds.iter().filter(|&&threshold| threshold <= 0.0).count() as u8;
            let slots = archived.slots[slot_at..]
                .iter()
                .take_while(|slot| slot.feature.to_native() == feature)
                .map(|slot| (slot.missing, slot.reserved));
            let stand_ins = stand_ins(slots, zero).map_err(|what| format!("feature {feature}: {what}"))?;
            ranker.tables.push(&thresholds).map_err(|what| format!("feature {feature}: {what}"))?;
            let mut ranked = Ranked { feature, first_slot: slot_at as u16, stand_ins: [0; 4] };
            ranked.stand_ins[..stand_ins.len()].copy_from_slice(&stand_ins);
            ranker.ranked.push(ranked);
            slot_at += stand_ins.len();
        }
        if (threshold_at, slot_at) != (archived.thresholds.len(), archived.slots.len()) {
            return Err("thresholds or slots of no ranked feature".to_owned());
        }
        Ok(ranker)
    }

    /// Number of slots in use.
    pub(crate) fn slot_count(&self) -> usize {
        self.slot_count
    }

    /// Whether values are compared as f64.
    pub(crate) fn reads_doubles(&self) -> bool {
        matches!(self.tables, Tables::Double(_))
    }

    /// Ranks a row by portable instructions.
    #[inline]
    pub(crate) fn rank<R: Row + ?Sized>(&self, row: &R) -> RankRow {
        let mut ranks = RankRow([0; 256]);
        match &self.tables {
            Tables::Single(tables) => {
                for (table, ranked) in tables.iter().zip(&self.ranked) {
                    let value = row.single(usize::from(ranked.feature));
                    ranked.store(&mut ranks, table.rank(value), value.is_nan());
                }
            }
            Tables::Double(tables) => {
                for (table, ranked) in tables.iter().zip(&self.ranked) {
                    let value = row.double(usize::from(ranked.feature));
                    ranked.store(&mut ranks, table.rank(value), value.is_nan());
                }
            }
        }
        ranks
    }
}

impl Ranked {
    /// Writes a feature's rank into each of its slots.
    #[inline(always)]
    pub(super) fn store(&self, ranks: &mut RankRow, rank: u8, is_nan: bool) {
        // A select, not a branch: which values are missing cannot be predicted.
        let bytes = std::hint::select_unpredictable(is_nan, self.stand_ins, [rank; 4]);
        // Fewer than RANK_SLOTS_MAX, which the mask proves: the four bytes are inside.
        let at = usize::from(self.first_slot) & (RANK_SLOTS_MAX - 1);
        ranks.0[at..at + 4].copy_from_slice(&bytes);
    }
}

fn check_thresholds(thresholds: &[f64]) -> Result<(), String> {
    if thresholds.is_empty() || thresholds.len() > THRESHOLDS_MAX {
        return Err(format!("{} thresholds; 1 to {THRESHOLDS_MAX} are possible", thresholds.len()));
    }
    // -inf is a threshold too: only a missing value that goes left has a rank below it.
    if thresholds[0].is_nan() {
        return Err("threshold NaN".to_owned());
    }
    for pair in thresholds.windows(2) {
        // NaN is not above the last.
        if pair[1].partial_cmp(&pair[0]) != Some(std::cmp::Ordering::Greater) {
            return Err(format!("threshold {} after {}", pair[1], pair[0]));
        }
    }
    Ok(())
}

/// The rank used for NaN in each slot of a feature, from the slots' missing directions and reserved bytes.
fn stand_ins(slots: impl Iterator<Item = (u8, u8)>, zero: u8) -> Result<Vec<u8>, String> {
    let mut stand_ins = Vec::new();
    let mut last = None;
    for (code, reserved) in slots {
        let missing =
            Missing::from_code(code).filter(|_| reserved == 0 && last.is_none_or(|last| last < code));
        stand_ins.push(match missing {
            Some(Missing::Left) => 0,
            Some(Missing::Right) => 255,
            Some(Missing::Zero) => zero,
            None => return Err(format!("missing direction {code} after {last:?}, reserved byte {reserved}")),
        });
        last = Some(code);
    }
    if stand_ins.is_empty() { Err("it has no slot".to_owned()) } else { Ok(stand_ins) }
}
