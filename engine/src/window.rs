//! Exact windows over event time.
//!
//! # Idea
//! A symbol's past is a ring of closed seconds. A window's sum is the sum of its closed [`Bucket`]s, held as integers:
//! a bucket that enters is added, one that leaves is subtracted. Integers do not round, so the sum always equals a
//! fresh addition of everything inside. There is no drift and nothing to rebuild.
//!
//! # End of a window
//! By definition a window of `w` seconds is its last `w` *closed* seconds plus the open part, the elapsed part of
//! the current second. The 1,800-second window has buckets of 10 seconds ([`Slot`]), the bipower window bins of 5
//! seconds ([`Bin`]); both end on their own boundaries. A recomputation from the raw ticks uses the same definition
//! and must agree to the last bit.
//!
//! # Arithmetic
//! | quantity | unit | bucket | sum |
//! |---|---|---|---|
//! | log mid price, log return | 1e-9 | i64 | i64 |
//! | squared log return | 1e-18 | derived | i128 |
//! | relative spread x time | 1e-9 x ns | i64 | i128 |
//! | absolute imbalance x time | 1e-9 x ns | i64 | i128 |
//! | quantity at the touch x time | 1e-8 x ns | i128 | i128 |
//! | order-flow imbalance | 1e-8 | i128 | i128 |
//! | volume, signed volume, big volume | 1e-8 | i64, saturating | i128 |
//!
//! A second inside a gap is *invalid*: it holds nothing, and its window's coverage falls. The second in which the
//! silence began is closed with what it held at its last tick; the one in which it ends has trades but no return.

mod bins;
mod bucket;
mod extremes;
mod seconds;
mod slots;

pub use bins::{BINS, Bin, Bins};
pub use bucket::{Bucket, Sums, clipped_signed_volume};
pub use extremes::{EXTREMES_WINDOW_S, Extremes, RunningMax};
#[cfg(test)]
pub(crate) use seconds::CLOSED;
pub use seconds::{Seconds, WINDOWS_S, Window};
pub use slots::{SLOT_S, SLOTS, SLOTS_VPIN, Slot, Slots};

/// Seconds between two grid instants: at each the threshold takes a sample and a row is scored for quality and
/// training.
pub const GRID_S: i64 = 5;

/// An exact sum as a float, rounded once to nearest-even. Most sums fit 64 bits, where the processor converts.
pub fn to_f64(sum: i128) -> f64 {
    match i64::try_from(sum) {
        Ok(small) => small as f64,
        Err(_) => sum as f64,
    }
}
