//! Byte blocks: a tree in steps of three levels, each step's seven conditions compared at once.
//!
//! A row is [ranked](super::ranks) first. A block holds seven conditions (slot and rank, a byte each) in 16 bytes, so
//! one comparison of 32 bytes evaluates those of four trees, and a small table maps each byte of the result to one of
//! eight exits. Trees of up to six levels are dense: a root block, eight more, 64 leaves, each at a fixed position.
//! Deeper ones have links.

pub(crate) mod check;
pub(crate) mod pack;
mod unpack;
mod walk;

use rkyv::rend::u32_le;

use super::{
    ranked::{RankedForest, Trees},
    ranks::compare::Compare,
    sum::LeafSum,
};
use crate::file::{
    pages::MappedSlice,
    v1::{ArchivedBlock, ArchivedLine},
};
use walk::{Links, Parts};

/// A forest of byte blocks whose every block, link and leaf has been checked.
pub(crate) type BlockForest = RankedForest<Blocks>;

/// The trees of a [`BlockForest`], as the file lays them out.
#[derive(Debug)]
pub(crate) struct Blocks {
    roots: MappedSlice<ArchivedLine>,
    blocks: MappedSlice<ArchivedBlock>,
    root_links: MappedSlice<u32_le>,
    links: MappedSlice<u32_le>,
    steps: MappedSlice<u8>,
}

#[allow(unsafe_code)]
impl Trees for Blocks {
    #[inline(always)]
    unsafe fn score<C: Compare, S: LeafSum>(
        &self,
        count: usize,
        leaves: &[S::Leaf],
        row: &C,
        base: f64,
    ) -> f64 {
        let links = Links { steps: &self.steps, roots: &self.root_links, blocks: &self.links };
        let links = (!self.steps.is_empty()).then_some(links);
        let parts = Parts { roots: &self.roots, blocks: &self.blocks, leaves, links, trees: count };
        // SAFETY: the caller's promise.
        unsafe { walk::score::<C, S>(&parts, row, base) }
    }
}
