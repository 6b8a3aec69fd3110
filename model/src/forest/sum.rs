//! The three ways of summing leaves as types, so that each kernel is compiled for its own.

use rkyv::rend::{f32_le, f64_le};

/// The number types of leaves and sum.
pub(crate) trait LeafSum {
    /// The type of a leaf in the file.
    type Leaf: Copy;
    /// The type of the running sum.
    type Sum: Copy;

    fn start(base: f64) -> Self::Sum;
    fn add(sum: Self::Sum, leaf: Self::Leaf) -> Self::Sum;
    fn finish(sum: Self::Sum) -> f64;
}

/// f32 leaves summed in f32: [`super::SumKind::F32`].
pub(crate) struct SingleInSingle;
/// f32 leaves summed in f64: [`super::SumKind::F64`].
pub(crate) struct SingleInDouble;
/// f64 leaves summed in f64: [`super::SumKind::F64Leaves`].
pub(crate) struct DoubleInDouble;

impl LeafSum for SingleInSingle {
    type Leaf = f32_le;
    type Sum = f32;

    #[inline(always)]
    fn start(base: f64) -> f32 {
        base as f32
    }

    #[inline(always)]
    fn add(sum: f32, leaf: f32_le) -> f32 {
        sum + leaf.to_native()
    }

    #[inline(always)]
    fn finish(sum: f32) -> f64 {
        f64::from(sum)
    }
}

impl LeafSum for SingleInDouble {
    type Leaf = f32_le;
    type Sum = f64;

    #[inline(always)]
    fn start(base: f64) -> f64 {
        base
    }

    #[inline(always)]
    fn add(sum: f64, leaf: f32_le) -> f64 {
        sum + f64::from(leaf.to_native())
    }

    #[inline(always)]
    fn finish(sum: f64) -> f64 {
        sum
    }
}

impl LeafSum for DoubleInDouble {
    type Leaf = f64_le;
    type Sum = f64;

    #[inline(always)]
    fn start(base: f64) -> f64 {
        base
    }

    #[inline(always)]
    fn add(sum: f64, leaf: f64_le) -> f64 {
        sum + leaf.to_native()
    }

    #[inline(always)]
    fn finish(sum: f64) -> f64 {
        sum
    }
}
