//! Ranks: a value's rank is the number of its feature's thresholds that are not above it, one byte.
//!
//! A boosted forest compares each feature with at most a few hundred different thresholds. If these are 255 or fewer, a
//! value's rank decides all of the comparisons: `x < threshold[k]` exactly when `rank(x) <= k`. Nothing is rounded, so
//! no score changes. A row is ranked once; then a comparison takes one byte, and one instruction compares 32 of them.
//!
//! As in the [slot row](super::slots), each (feature, missing direction) in use has its own slot, and NaN becomes rank
//! 0 (left of everything), rank 255 (right of everything) or the rank of 0.0.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
pub(crate) mod compare;
mod kernel;
mod pack;
pub(crate) mod source;
mod table;
mod unpack;

pub use kernel::Kernel;
pub(crate) use pack::RankNumbers;
pub(crate) use table::Ranker;
pub(crate) use unpack::Condition;

/// Most thresholds of a feature.
pub(crate) const THRESHOLDS_MAX: usize = 255;
/// Most slots of a ranked forest.
pub(crate) const RANK_SLOTS_MAX: usize = 128;
/// The rank of an unused condition of a block, which is always true and sends everything left.
pub(crate) const ALWAYS_LEFT: u8 = 255;

/// A rank for each slot. It has 256 entries, so that any byte is a valid index.
#[repr(C, align(64))]
pub(crate) struct RankRow(pub(crate) [u8; 256]);
