//! Ragged trees (LightGBM's, grown leaf by leaf): blocks of up to seven splits in any shape.
//!
//! Byte blocks go down three levels a step, which wastes most of a block if a tree is deep on one side. A ragged block
//! takes the seven splits that make the longest path shortest, so that a tree of 63 leaves and 13 levels is walked in
//! three steps. A row is [ranked](super::ranks) first; then all conditions of all blocks are compared, 32 at a time in
//! the order of the file, which costs less than finding out which ones are needed. A byte of results and the block's
//! shape give the exit. Mirrored shapes are stored as one, so that their tables stay in the first-level cache.

pub(crate) mod check;
pub(crate) mod cut;
pub(crate) mod pack;
mod plan;
mod shape;
mod unpack;
mod walk;

use rkyv::rend::u16_le;

use super::{
    ranked::{RankedForest, Trees},
    ranks::compare::Compare,
    sum::LeafSum,
};
use crate::file::{pages::MappedSlice, v1::ArchivedLine};
pub(crate) use plan::GROUP_TREES;
use plan::Plan;
use walk::Parts;

/// A forest of ragged trees whose shapes, conditions and leaves have all been checked.
pub(crate) type RaggedForest = RankedForest<Ragged>;

/// The trees of a [`RaggedForest`], as the file lays them out.
#[derive(Debug)]
pub(crate) struct Ragged {
    /// Lines of four blocks each.
    lines: MappedSlice<ArchivedLine>,
    /// Shapes of blocks and leaves, each tree breadth first.
    shapes: MappedSlice<u16_le>,
    plan: Plan,
}

#[allow(unsafe_code)]
impl Trees for Ragged {
    #[inline(always)]
    unsafe fn score<C: Compare, S: LeafSum>(
        &self,
        count: usize,
        leaves: &[S::Leaf],
        row: &C,
        base: f64,
    ) -> f64 {
        let parts = Parts { lines: &self.lines, plan: &self.plan, leaves, trees: count };
        // SAFETY: the caller's promise.
        unsafe { walk::score::<C, S>(&parts, row, base) }
    }
}
