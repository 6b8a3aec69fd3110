//! Estimates the number of independent rows of both sides of a column: neighbours in time share most of what they
//! measure.

use model::drift::{Numbers, Words, centre, effective_rows};

use super::sides::Side;

/// The independent rows of one side's values.
pub(super) struct EffectiveRows {
    /// Number of independent rows, from the dependence measured on this side.
    pub(super) count: f64,
    /// Values that are not missing.
    values: usize,
    /// Whether all of them are equal, so that the side shows no dependence.
    constant: bool,
}

impl EffectiveRows {
    /// Measures numbers in the order of time; `sorted` has those of them that are finite.
    pub(super) fn from_numbers(side: &Side, values: &[f64], sorted: &Numbers) -> Self {
        Self {
            count: effective_rows(values, side.groups(), centre(sorted)),
            values: sorted.len(),
            constant: sorted.distinct(2) < 2,
        }
    }

    /// Measures words, given by index in `names`, `u32::MAX` for missing. The dependence is that of the flag whether a
    /// row has this side's most frequent word, which the other side need not have.
    pub(super) fn from_words(side: &Side, codes: &[u32], names: &[String], words: &Words) -> Self {
        let most = words.counts().iter().max_by_key(|(_, count)| **count).map(|(word, _)| word);
        let most = names.iter().position(|name| Some(name) == most).map(|at| at as u32);
        let flags: Vec<f64> = codes
            .iter()
            .map(|&code| if code == u32::MAX { f64::NAN } else { f64::from(u8::from(Some(code) == most)) })
            .collect();
        Self {
            count: effective_rows(&flags, side.groups(), 0.5),
            values: words.total() as usize,
            constant: words.counts().len() < 2,
        }
    }

    /// Independent rows as a share of the values; 0 without values.
    pub(super) fn share(&self) -> f64 {
        self.count / self.values.max(1) as f64
    }

    /// Independent rows of the reference and of the current side. A constant side shows no dependence; it gets the
    /// share of the other side, as if both had one distribution, which is the tested hypothesis.
    pub(super) fn pair(reference: &Self, current: &Self) -> (f64, f64) {
        let rows = |side: &Self, other: &Self| {
            if side.constant && !other.constant { side.values as f64 * other.share() } else { side.count }
        };
        (rows(reference, current), rows(current, reference))
    }
}
