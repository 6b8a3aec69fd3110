//! Ranks: a value as the number of its feature's thresholds that are not above it, one byte.
//!
//! A boosted forest asks of each feature at most a few hundred different questions. Where these are 255 or fewer, a
//! value's rank decides all of them: `x < threshold[k]` exactly when `rank(x) <= k`. Nothing is rounded, so nothing
//! changes. A row is ranked once; then a comparison costs a byte, and one instruction does 32 of them.
//!
//! As in the [slot row](super::slots), each (feature, missing direction) in use has a slot of its own, and NaN becomes
//! rank 0 (left of everything), rank 255 (right of everything) or the rank of 0.0.

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

/// Thresholds a feature may have.
pub(crate) const THRESHOLDS_MAX: usize = 255;
/// Slots a ranked forest may use.
pub(crate) const RANK_SLOTS_MAX: usize = 128;
/// The rank of a condition that is always true, and so sends everything left: what fills up a block.
pub(crate) const ALWAYS_LEFT: u8 = 255;

/// A rank for each slot. As long as a byte can say, so that a slot's number is always inside.
#[repr(C, align(64))]
pub(crate) struct RankRow(pub(crate) [u8; 256]);
