//! A forest that reads [ranked](super::ranks) rows, generic over its trees' layout: it picks the instructions of the
//! walk and the number types of the sum.

use rkyv::rend::{f32_le, f64_le};

use super::{
    canonical::SumKind,
    ranks::{
        self, Kernel, RankRow, Ranker,
        compare::{Compare, Portable},
    },
    sum::{DoubleInDouble, LeafSum, SingleInDouble, SingleInSingle},
    wide::{WideForest, WideTree},
};
use crate::{file::pages::MappedSlice, row::Row};

/// The trees of one layout, and their walk by a ranked row.
#[allow(unsafe_code)]
pub(crate) trait Trees {
    /// The sum of the leaves that a row reaches in the first `count` trees, in their order.
    ///
    /// # Safety
    /// If `C::CHECKED` is false, the layout's `check` must have accepted these trees, leaves and this count together.
    /// The caller of [`RankedForest::new`] guarantees that once, and the forest's walks rely on it.
    unsafe fn score<C: Compare, S: LeafSum>(
        &self,
        count: usize,
        leaves: &[S::Leaf],
        row: &C,
        base: f64,
    ) -> f64;
}

/// The element at `at`, bounds-checked if `C::CHECKED`.
///
/// # Safety
/// Without `C::CHECKED`, `at` must be inside.
#[allow(unsafe_code)]
#[inline(always)]
pub(super) unsafe fn get<C: Compare, T>(slice: &[T], at: usize) -> &T {
    if C::CHECKED {
        return &slice[at];
    }
    // SAFETY: the caller's promise.
    unsafe { slice.get_unchecked(at) }
}

/// The parts of a [`RankedForest`], made by a layout's `check`.
#[derive(Debug)]
pub(super) struct Parts<T> {
    pub(super) trees: T,
    /// Empty if the leaves are f64.
    pub(super) single_leaves: MappedSlice<f32_le>,
    /// Empty if the leaves are f32.
    pub(super) double_leaves: MappedSlice<f64_le>,
    pub(super) ranker: Ranker,
    pub(super) base: f64,
    pub(super) sum: SumKind,
    pub(super) tree_count: usize,
    /// Number of nodes, leaves included.
    pub(super) node_count: usize,
}

/// A forest whose parts have all been checked. Only [`RankedForest::new`] makes one.
#[derive(Debug)]
pub(crate) struct RankedForest<T> {
    parts: Parts<T>,
    /// Instructions of the walk; this machine has them.
    kernel: Kernel,
}

impl<T: Trees> RankedForest<T> {
    /// A forest that uses the fastest instructions of this machine.
    ///
    /// # Safety
    /// The layout's `check` must have accepted all parts, as parts of one forest: rows walk them without bounds checks.
    #[allow(unsafe_code)]
    pub(super) unsafe fn new(parts: Parts<T>) -> Self {
        Self { parts, kernel: Kernel::fastest() }
    }

    /// The trees in the form of their layout.
    pub(super) fn trees(&self) -> &T {
        &self.parts.trees
    }

    /// The ranker of this forest's thresholds.
    pub(super) fn ranker(&self) -> &Ranker {
        &self.parts.ranker
    }

    /// Number of trees.
    pub(crate) fn tree_count(&self) -> usize {
        self.parts.tree_count
    }

    /// Number of nodes in all trees, leaves included.
    pub(crate) fn node_count(&self) -> usize {
        self.parts.node_count
    }

    /// Sets the instructions of the walk; false if this machine does not have them.
    pub(crate) fn set_kernel(&mut self, kernel: Kernel) -> bool {
        let is_here = kernel.is_here();
        self.kernel = if is_here { kernel } else { self.kernel };
        is_here
    }

    /// The raw score of a row of the model's features, in log-odds.
    #[inline]
    pub(crate) fn score<R: Row + ?Sized>(&self, row: &R) -> f64 {
        #[allow(unsafe_code)]
        match self.kernel {
            Kernel::Portable => self.score_checked(row),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a forest's kernel is one that this machine has.
            Kernel::Avx2 => self.walk_fast(&unsafe { self.parts.ranker.rank_avx2(row) }),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kernel::Avx512 => self.walk_fast(&unsafe { self.parts.ranker.rank_avx512(row) }),
            #[cfg(not(target_arch = "x86_64"))]
            Kernel::Avx2 | Kernel::Avx512 => self.score_checked(row),
        }
    }

    /// The raw score by portable instructions, with every part bounds-checked.
    pub(crate) fn score_checked<R: Row + ?Sized>(&self, row: &R) -> f64 {
        let row = self.parts.ranker.rank(row);
        match self.parts.sum {
            SumKind::F32 => self.walk_portable::<SingleInSingle>(&self.parts.single_leaves, &row),
            SumKind::F64 => self.walk_portable::<SingleInDouble>(&self.parts.single_leaves, &row),
            SumKind::F64Leaves => self.walk_portable::<DoubleInDouble>(&self.parts.double_leaves, &row),
        }
    }

    #[inline(never)]
    fn walk_portable<S: LeafSum>(&self, leaves: &[S::Leaf], row: &RankRow) -> f64 {
        #[allow(unsafe_code)]
        // SAFETY: the portable walk is checked and asks no promise.
        unsafe {
            self.parts.trees.score::<_, S>(self.parts.tree_count, leaves, &Portable(row), self.parts.base)
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn walk_fast(&self, row: &RankRow) -> f64 {
        match self.parts.sum {
            SumKind::F32 => self.walk_vectors::<SingleInSingle>(&self.parts.single_leaves, row),
            SumKind::F64 => self.walk_vectors::<SingleInDouble>(&self.parts.single_leaves, row),
            SumKind::F64Leaves => self.walk_vectors::<DoubleInDouble>(&self.parts.double_leaves, row),
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn walk_vectors<S: LeafSum>(&self, leaves: &[S::Leaf], row: &RankRow) -> f64 {
        let (trees, count, base) = (&self.parts.trees, self.parts.tree_count, self.parts.base);
        #[allow(unsafe_code)]
        // SAFETY: a forest's kernel is one that this machine has; the caller of `new` promised that the layout's
        // `check` accepted these parts.
        unsafe {
            match self.parts.ranker.slot_count() {
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

    /// Unpacked trees as a wide forest with this forest's base and number types.
    pub(super) fn as_wide(&self, trees: Vec<WideTree>) -> WideForest {
        let (values, sum) = (self.parts.ranker.values(), self.parts.sum.precision());
        WideForest { trees, sets: Vec::new(), base: vec![self.parts.base], values, sum }
    }

    /// The value of a leaf, for explanations.
    pub(super) fn leaf(&self, at: usize) -> f64 {
        match self.parts.sum {
            SumKind::F32 | SumKind::F64 => f64::from(self.parts.single_leaves[at].to_native()),
            SumKind::F64Leaves => self.parts.double_leaves[at].to_native(),
        }
    }
}

/// The fast walk for rows of up to `16 * REGISTERS` slots.
///
/// # Safety
/// The machine must have AVX2; otherwise as [`Trees::score`].
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

/// The fast walk for rows of up to 64 slots, or 128 if `WIDE`.
///
/// # Safety
/// The machine must have AVX2 and AVX-512 F, BW, VL and VBMI; otherwise as [`Trees::score`].
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
