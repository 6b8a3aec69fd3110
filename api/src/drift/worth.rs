//! How many independent rows both sides of a column are worth.

use model::drift::{Numbers, Words, centre, effective_rows};

use super::sides::Side;

/// What one side's values are worth.
pub(super) struct Worth {
    /// Independent rows, by what the side itself shows.
    pub(super) effective: f64,
    /// Values that are there.
    values: usize,
    /// Whether all of them are one, so that the side shows nothing.
    constant: bool,
}

impl Worth {
    /// Of numbers, in the order of time; `sorted` holds those that are finite.
    pub(super) fn of_numbers(side: &Side, values: &[f64], sorted: &Numbers) -> Self {
        Self {
            effective: effective_rows(values, side.groups(), centre(sorted)),
            values: sorted.len(),
            constant: sorted.distinct(2) < 2,
        }
    }

    /// Of words by their place in `names`, `u32::MAX` where missing: asked about is the side's own most frequent one, which
    /// the other side need not have.
    pub(super) fn of_words(side: &Side, codes: &[u32], names: &[String], words: &Words) -> Self {
        let most = words.counts().iter().max_by_key(|(_, count)| **count).map(|(word, _)| word);
        let most = names.iter().position(|name| Some(name) == most).map(|at| at as u32);
        let flags: Vec<f64> = codes
            .iter()
            .map(|&code| if code == u32::MAX { f64::NAN } else { f64::from(u8::from(Some(code) == most)) })
            .collect();
        Self {
            effective: effective_rows(&flags, side.groups(), 0.5),
            values: words.total() as usize,
            constant: words.counts().len() < 2,
        }
    }

    /// The share of its rows that counts; 0 of none.
    pub(super) fn share(&self) -> f64 {
        self.effective / self.values.max(1) as f64
    }

    /// Rows of the reference and of the current side that count. What is one value throughout shows no dependence, and
    /// counts in the share in which the other side does: as if it were of one distribution with that, which is the question.
    pub(super) fn both(reference: &Self, current: &Self) -> (f64, f64) {
        let of = |side: &Self, other: &Self| {
            if side.constant && !other.constant { side.values as f64 * other.share() } else { side.effective }
        };
        (of(reference, current), of(current, reference))
    }
}
