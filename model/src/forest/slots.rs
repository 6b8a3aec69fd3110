//! The slot row: feature values in which each missing value is replaced according to its direction.
//!
//! A node reads a slot, not a feature. Each (feature, missing direction) pair that some split uses has one slot,
//! holding the feature's value. If that is NaN, the slot holds a value that the plain comparison `x < threshold` sends
//! the right way: -inf is below every threshold (none is -inf), +inf is below none. So a missing value costs a node
//! nothing. The slot after the last one always holds NaN: leaves read it.

use super::canonical::Missing;
use crate::row::Row;

/// Bits of a node's link that number its slot.
pub(crate) const SLOT_BITS: u32 = 12;
/// Most slots of a forest, including the leaves' NaN slot.
pub(crate) const SLOTS_MAX: usize = 1 << SLOT_BITS;

/// One slot: the feature it copies, and the value used for NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slot {
    /// Position of the feature in the row.
    pub(crate) feature: u16,
    /// The value used for NaN.
    pub(crate) stand_in: f32,
}

impl Missing {
    /// The value used for NaN.
    pub(crate) fn stand_in(self) -> f32 {
        match self {
            Self::Left => f32::NEG_INFINITY,
            Self::Right => f32::INFINITY,
            Self::Zero => 0.0,
        }
    }

    /// The code of this direction in the file.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Left => 0,
            Self::Right => 1,
            Self::Zero => 2,
        }
    }

    /// The direction of a file's code; `None` if the code is unknown.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        [Self::Left, Self::Right, Self::Zero].into_iter().find(|missing| missing.code() == code)
    }
}

/// Fills the start of the slot row, one entry for each slot.
#[inline(always)]
pub(crate) fn fill<R: Row + ?Sized>(slots: &[Slot], row: &R, filled: &mut [f32]) {
    for (place, slot) in filled.iter_mut().zip(slots) {
        let value = row.single(usize::from(slot.feature));
        // A select, not a branch: which values are missing cannot be predicted.
        *place = std::hint::select_unpredictable(value.is_nan(), slot.stand_in, value);
    }
}
