//! Byte blocks: a tree in steps of three levels, each step's seven conditions compared at once.
//!
//! A row is [ranked](super::ranks) first. A block holds seven conditions (slot and rank, a byte each) in 16 bytes, so one
//! comparison of 32 bytes answers those of four trees, and a small table turns each byte of the answer into one of
//! eight exits. Trees of up to six levels are dense: a root block, eight more, 64 leaves, each at a known place. Others
//! have links.

pub(crate) mod check;
pub(crate) mod pack;
mod unpack;
mod walk;

use rkyv::rend::{f32_le, f64_le, u32_le};

use super::{
    canonical::SumKind,
    ranks::{self, Kernel, RankRow, Ranker, compare::Portable},
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
    /// One that this machine has.
    kernel: Kernel,
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

    /// Walks with other instructions; false where this machine does not have them.
    pub(crate) fn set_kernel(&mut self, kernel: Kernel) -> bool {
        let is_here = kernel.is_here();
        self.kernel = if is_here { kernel } else { self.kernel };
        is_here
    }

    /// The raw answer for a row of the model's features, in log-odds.
    #[inline]
    pub(crate) fn score<R: Row + ?Sized>(&self, row: &R) -> f64 {
        #[allow(unsafe_code)]
        match self.kernel {
            Kernel::Portable => self.score_checked(row),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a forest's kernel is one that this machine has.
            Kernel::Avx2 => self.walk_fast(&unsafe { self.ranker.rank_avx2(row) }),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kernel::Avx512 => self.walk_fast(&unsafe { self.ranker.rank_avx512(row) }),
            #[cfg(not(target_arch = "x86_64"))]
            Kernel::Avx2 | Kernel::Avx512 => self.score_checked(row),
        }
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
            SumKind::F32 => self.walk_vectors::<SingleInSingle>(&self.single_leaves, row),
            SumKind::F64 => self.walk_vectors::<SingleInDouble>(&self.single_leaves, row),
            SumKind::F64Leaves => self.walk_vectors::<DoubleInDouble>(&self.double_leaves, row),
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn walk_vectors<S: LeafSum>(&self, leaves: &[S::Leaf], row: &RankRow) -> f64 {
        let parts = self.parts(leaves);
        #[allow(unsafe_code)]
        // SAFETY: a forest's kernel is one that this machine has; `check` built this forest.
        unsafe {
            match self.ranker.slot_count() {
                ..=64 if self.kernel == Kernel::Avx512 => avx512::<false, S>(&parts, row, self.base),
                _ if self.kernel == Kernel::Avx512 => avx512::<true, S>(&parts, row, self.base),
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

/// The fast walk for rows of up to 64 slots, or 128 where `WIDE`.
///
/// # Safety
/// The machine has AVX2 and AVX-512 F, BW, VL and VBMI, and [`BlockForest::check`] has seen the parts.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,avx512vbmi")]
unsafe fn avx512<const WIDE: bool, S: LeafSum>(parts: &Parts<'_, S::Leaf>, row: &RankRow, base: f64) -> f64 {
    // SAFETY: the caller's promises.
    unsafe {
        let row = ranks::avx512::Avx512::<WIDE>::new(row);
        walk::score::<_, S>(parts, &row, base)
    }
}
