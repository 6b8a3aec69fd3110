//! Walks four trees at once, all levels in one step.

#![allow(unsafe_code)]

use rkyv::rend::u32_le;

use super::pack::LINE_TREES;
use crate::{
    file::v1::ArchivedLine,
    forest::{ranked::get, ranks::compare::Compare, sum::LeafSum},
};

/// The parts of a forest that a walk reads.
pub(super) struct Parts<'a, L> {
    pub(super) lines: &'a [ArchivedLine],
    /// Position of each tree's first leaf.
    pub(super) firsts: &'a [u32_le],
    pub(super) leaves: &'a [L],
    pub(super) trees: usize,
}

/// The sum of the leaves that a row reaches, in the order of the trees.
///
/// # Safety
/// Without `C::CHECKED`, [`super::ObliviousForest::check`] must have accepted these parts.
#[inline(always)]
pub(super) unsafe fn score<C: Compare, S: LeafSum>(parts: &Parts<'_, S::Leaf>, row: &C, base: f64) -> f64 {
    let mut sum = S::start(base);
    let place = |first: &u32_le, right: u8| first.to_native() as usize + usize::from(right);
    let (fours, rest) = parts.firsts[..parts.trees].as_chunks::<LINE_TREES>();
    // There is a line for every four trees or part of four: `check` has seen that.
    for (firsts, line) in fours.iter().zip(parts.lines) {
        let right = (!row.left(line)).to_le_bytes();
        for (first, right) in firsts.iter().zip(right) {
            // SAFETY: `check` has seen that the greatest number these conditions can give is a leaf's.
            sum = S::add(sum, unsafe { *get::<C, _>(parts.leaves, place(first, right)) });
        }
    }
    if let Some(line) = parts.lines.get(fours.len()) {
        let right = (!row.left(line)).to_le_bytes();
        for (first, right) in rest.iter().zip(right) {
            // SAFETY: as above.
            sum = S::add(sum, unsafe { *get::<C, _>(parts.leaves, place(first, right)) });
        }
    }
    S::finish(sum)
}
