//! Byte blocks: a tree in steps of three levels, each step's seven conditions compared at once.
//!
//! A row is [ranked](super::ranks) first. A block holds seven conditions (slot and rank, a byte each) in 16 bytes, so one
//! comparison of 32 bytes answers those of four trees, and a small table turns each byte of the answer into one of
//! eight exits. Trees of up to six levels are dense: a root block, eight more, 64 leaves, each at a known place. Others
//! have links.

pub(crate) mod check;
pub(crate) mod pack;
mod walk;

use rkyv::rend::{f32_le, f64_le, u32_le};

use super::{
    canonical::SumKind,
    ranks::{self, RankRow, Ranker, compare::Portable},
    sum::{DoubleInDouble, LeafSum, SingleInDouble, SingleInSingle},
};
use crate::{
    file::{
        pages::MappedSlice,
        v1::{ArchivedBlock, ArchivedLine},
    },
    row::Row,
};
use walk::{Links, Parts};

/// A forest whose every block, link and leaf has been checked.
#[derive(Debug)]
pub(crate) struct BlockForest {
    roots: MappedSlice<ArchivedLine>,
    blocks: MappedSlice<ArchivedBlock>,
    single_leaves: MappedSlice<f32_le>,
    double_leaves: MappedSlice<f64_le>,
    root_links: MappedSlice<u32_le>,
    links: MappedSlice<u32_le>,
    steps: MappedSlice<u8>,
    ranker: Ranker,
    base: f64,
    sum: SumKind,
    tree_count: usize,
    node_count: usize,
    /// Whether this machine has what the fast walk needs.
    fast: bool,
}

impl BlockForest {
    /// Trees.
    pub(crate) fn tree_count(&self) -> usize {
        self.tree_count
    }

    /// Nodes of the trees, leaves included.
    pub(crate) fn node_count(&self) -> usize {
        self.node_count
    }

    /// The raw answer for a row of the model's features, in log-odds.
    #[inline]
    pub(crate) fn score<R: Row + ?Sized>(&self, row: &R) -> f64 {
        #[cfg(target_arch = "x86_64")]
        if self.fast {
            #[allow(unsafe_code)]
            // SAFETY: `fast` says that the machine has AVX2 and POPCNT.
            let ranks = unsafe { self.ranker.rank_avx2(row) };
            return self.walk_fast(&ranks);
        }
        self.score_checked(row)
    }

    /// The same on any machine, with every part read through a bounds check.
    pub(crate) fn score_checked<R: Row + ?Sized>(&self, row: &R) -> f64 {
        let row = self.ranker.rank(row);
        match self.sum {
            SumKind::F32 => self.walk_portable::<SingleInSingle>(&self.single_leaves, &row),
            SumKind::F64 => self.walk_portable::<SingleInDouble>(&self.single_leaves, &row),
            SumKind::F64Leaves => self.walk_portable::<DoubleInDouble>(&self.double_leaves, &row),
        }
    }

    fn parts<'a, L>(&'a self, leaves: &'a [L]) -> Parts<'a, L> {
        let links = Links { steps: &self.steps, roots: &self.root_links, blocks: &self.links };
        let links = (!self.steps.is_empty()).then_some(links);
        Parts { roots: &self.roots, blocks: &self.blocks, leaves, links, trees: self.tree_count }
    }

    #[inline(never)]
    fn walk_portable<S: LeafSum>(&self, leaves: &[S::Leaf], row: &RankRow) -> f64 {
        #[allow(unsafe_code)]
        // SAFETY: the portable walk is checked and asks no promise.
        unsafe {
            walk::score::<_, S>(&self.parts(leaves), &Portable(row), self.base)
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn walk_fast(&self, row: &RankRow) -> f64 {
        match self.sum {
            SumKind::F32 => self.walk_avx2::<SingleInSingle>(&self.single_leaves, row),
            SumKind::F64 => self.walk_avx2::<SingleInDouble>(&self.single_leaves, row),
            SumKind::F64Leaves => self.walk_avx2::<DoubleInDouble>(&self.double_leaves, row),
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn walk_avx2<S: LeafSum>(&self, leaves: &[S::Leaf], row: &RankRow) -> f64 {
        let parts = self.parts(leaves);
        #[allow(unsafe_code)]
        // SAFETY: only called where `fast` says that the machine has AVX2; `check` built this forest.
        unsafe {
            match self.ranker.slot_count() {
                0..=16 => avx2::<1, S>(&parts, row, self.base),
                17..=32 => avx2::<2, S>(&parts, row, self.base),
                33..=64 => avx2::<4, S>(&parts, row, self.base),
                _ => avx2::<8, S>(&parts, row, self.base),
            }
        }
    }
}

/// The fast walk for rows of up to `16 * REGISTERS` slots.
///
/// # Safety
/// The machine has AVX2, and [`BlockForest::check`] has seen the parts.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
#[target_feature(enable = "avx2")]
unsafe fn avx2<const REGISTERS: usize, S: LeafSum>(
    parts: &Parts<'_, S::Leaf>,
    row: &RankRow,
    base: f64,
) -> f64 {
    // SAFETY: the caller's promises.
    unsafe {
        let row = ranks::avx2::Avx2::<REGISTERS>::new(row);
        walk::score::<_, S>(parts, &row, base)
    }
}
