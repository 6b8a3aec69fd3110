//! Oblivious trees, which have one condition for all nodes of a level (CatBoost's): the results are the bits of a
//! leaf's number.
//!
//! A tree has at most eight conditions, a byte each for slot and [rank](super::ranks), so one comparison of 32 bytes
//! evaluates all conditions of four trees, and each byte of the result is a leaf's number.

mod check;
pub(crate) mod pack;
mod unpack;
mod walk;

use rkyv::rend::u32_le;

use super::{
    ranked::{RankedForest, Trees},
    ranks::compare::Compare,
    sum::LeafSum,
};
use crate::file::{pages::MappedSlice, v1::ArchivedLine};
use walk::Parts;

/// A forest of oblivious trees whose conditions and leaves have all been checked.
pub(crate) type ObliviousForest = RankedForest<Oblivious>;

/// The trees of an [`ObliviousForest`], as the file lays them out.
#[derive(Debug)]
pub(crate) struct Oblivious {
    lines: MappedSlice<ArchivedLine>,
    firsts: MappedSlice<u32_le>,
}

#[allow(unsafe_code)]
impl Trees for Oblivious {
    #[inline(always)]
    unsafe fn score<C: Compare, S: LeafSum>(
        &self,
        count: usize,
        leaves: &[S::Leaf],
        row: &C,
        base: f64,
    ) -> f64 {
        let parts = Parts { lines: &self.lines, firsts: &self.firsts, leaves, trees: count };
        // SAFETY: the caller's promise.
        unsafe { walk::score::<C, S>(&parts, row, base) }
    }
}
