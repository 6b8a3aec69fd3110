//! A forest that reads [ranked](super::ranks) rows, whatever the form of its trees: by which instructions it is walked,
//! and in which numbers it sums.

use rkyv::rend::{f32_le, f64_le};

use super::{
    canonical::SumKind,
    ranks::{
        self, Kernel, RankRow, Ranker,
        compare::{Compare, Portable},
    },
    sum::{DoubleInDouble, LeafSum, SingleInDouble, SingleInSingle},
};
use crate::{file::pages::MappedSlice, row::Row};

/// The form of a forest's trees.
#[allow(unsafe_code)]
pub(crate) trait Trees {
    /// The sum of the leaves that a row reaches in the first `count` trees, in their order.
    ///
    /// # Safety
    /// Without `C::CHECKED`: the layout's `check` has seen these trees and leaves.
    unsafe fn score<C: Compare, S: LeafSum>(
        &self,
        count: usize,
        leaves: &[S::Leaf],
        row: &C,
        base: f64,
    ) -> f64;
}

/// A forest whose every part has been checked.
#[derive(Debug)]
pub(crate) struct RankedForest<T> {
    pub(super) trees: T,
    pub(super) single_leaves: MappedSlice<f32_le>,
    pub(super) double_leaves: MappedSlice<f64_le>,
    pub(super) ranker: Ranker,
    pub(super) base: f64,
    pub(super) sum: SumKind,
    pub(super) tree_count: usize,
    pub(super) node_count: usize,
    /// One that this machine has.
    pub(super) kernel: Kernel,
}

impl<T: Trees> RankedForest<T> {
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

    #[inline(never)]
    fn walk_portable<S: LeafSum>(&self, leaves: &[S::Leaf], row: &RankRow) -> f64 {
        #[allow(unsafe_code)]
        // SAFETY: the portable walk is checked and asks no promise.
        unsafe {
            self.trees.score::<_, S>(self.tree_count, leaves, &Portable(row), self.base)
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
        let (trees, count, base) = (&self.trees, self.tree_count, self.base);
        #[allow(unsafe_code)]
        // SAFETY: a forest's kernel is one that this machine has; its layout's `check` built this forest.
        unsafe {
            match self.ranker.slot_count() {
                ..=64 if self.kernel == Kernel::Avx512 => {
                    avx512::<false, T, S>(trees, count, leaves, row, base)
                }
                _ if self.kernel == Kernel::Avx512 => avx512::<true, T, S>(trees, count, leaves, row, base),
                0..=16 => avx2::<1, T, S>(trees, count, leaves, row, base),
                17..=32 => avx2::<2, T, S>(trees, count, leaves, row, base),
                33..=64 => avx2::<4, T, S>(trees, count, leaves, row, base),
                _ => avx2::<8, T, S>(trees, count, leaves, row, base),
            }
        }
    }

    /// A leaf, for explanations.
    pub(super) fn leaf(&self, at: usize) -> f64 {
        match self.sum {
            SumKind::F32 | SumKind::F64 => f64::from(self.single_leaves[at].to_native()),
            SumKind::F64Leaves => self.double_leaves[at].to_native(),
        }
    }
}

/// The fast walk for rows of up to `16 * REGISTERS` slots.
///
/// # Safety
/// The machine has AVX2; otherwise as [`Trees::score`].
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
#[target_feature(enable = "avx2")]
unsafe fn avx2<const REGISTERS: usize, T: Trees, S: LeafSum>(
    trees: &T,
    count: usize,
    leaves: &[S::Leaf],
    row: &RankRow,
    base: f64,
) -> f64 {
    // SAFETY: the caller's promises.
    unsafe {
        let row = ranks::avx2::Avx2::<REGISTERS>::new(row);
        trees.score::<_, S>(count, leaves, &row, base)
    }
}

/// The fast walk for rows of up to 64 slots, or 128 where `WIDE`.
///
/// # Safety
/// The machine has AVX2 and AVX-512 F, BW, VL and VBMI; otherwise as [`Trees::score`].
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,avx512vbmi")]
unsafe fn avx512<const WIDE: bool, T: Trees, S: LeafSum>(
    trees: &T,
    count: usize,
    leaves: &[S::Leaf],
    row: &RankRow,
    base: f64,
) -> f64 {
    // SAFETY: the caller's promises.
    unsafe {
        let row = ranks::avx512::Avx512::<WIDE>::new(row);
        trees.score::<_, S>(count, leaves, &row, base)
    }
}
