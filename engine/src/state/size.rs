//! Big trades: those at or above the symbol's own 99th percentile of size.
//!
//! A histogram with eight bins an octave, in integers. Every hour of event time each count loses an eighth of
//! itself, rounded up, so that old trades fade with a half-life of about five hours; the threshold moves once a
//! minute.

use rkyv::{Archive, Deserialize, Serialize};

const BINS: usize = 64 * 8;
const TRADES_MIN: u64 = 1_000;

/// The fading histogram of trade sizes.
#[derive(Clone, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct TradeSizes {
    counts: Vec<u32>,
    total: u64,
    hour: Option<i64>,
    minute: Option<i64>,
    /// Least size of a big trade, 1e-8; `None` until a thousand trades are held.
    pub threshold: Option<i64>,
}

impl Default for TradeSizes {
    fn default() -> Self {
        Self { counts: vec![0; BINS], total: 0, hour: None, minute: None, threshold: None }
    }
}

impl TradeSizes {
    /// Moves to the second of the next trade: fades the counts each full hour, moves the threshold each full minute.
    pub fn advance(&mut self, second: i64) {
        let (hour, minute) = (second.div_euclid(3600), second.div_euclid(60));
        if let Some(old) = self.hour {
            // After 64 hours of an eighth each, rounded up, less than 0.02 % of a full count is left.
            for _ in 0..(hour - old).clamp(0, 64) {
                self.fade();
            }
        }
        self.hour = Some(hour);
        if self.minute.is_some_and(|old| old != minute) {
            self.move_threshold();
        }
        self.minute = Some(minute);
    }

    /// Counts the size of a trade, 1e-8.
    pub fn push(&mut self, size: i64) {
        self.counts[bin_of(size)] += 1;
        self.total += 1;
    }

    fn fade(&mut self) {
        for count in &mut self.counts {
            *count -= count.div_ceil(8);
        }
        self.total = self.counts.iter().map(|&c| u64::from(c)).sum();
    }

    fn move_threshold(&mut self) {
        if self.total < TRADES_MIN {
            self.threshold = None;
            return;
        }
        let above_max = self.total / 100;
        let mut above = 0;
        for (bin, &count) in self.counts.iter().enumerate().rev() {
            above += u64::from(count);
            if above > above_max {
                self.threshold = Some(bin_floor(bin));
                return;
            }
        }
    }
}

/// Eight bins an octave: the position of the highest bit and the three bits below it.
fn bin_of(size: i64) -> usize {
    let size = size.max(1) as u64;
    let octave = 63 - size.leading_zeros() as usize;
    let eighth = if octave >= 3 { (size >> (octave - 3)) & 7 } else { (size << (3 - octave)) & 7 };
    octave * 8 + eighth as usize
}

fn bin_floor(bin: usize) -> i64 {
    let (octave, eighth) = (bin / 8, (bin % 8) as i64);
    let floor = (8 + eighth) as i128;
    let shifted = if octave >= 3 { floor << (octave - 3) } else { floor >> (3 - octave) };
    i64::try_from(shifted).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_holds_its_floor() {
        for bin in 24..60 * 8 {
            assert_eq!(bin_of(bin_floor(bin)), bin);
        }
        assert_eq!(bin_of(0), 0);
        assert!(bin_of(i64::MAX) < BINS);
    }

    #[test]
    fn one_trade_in_a_hundred_is_big() {
        let mut sizes = TradeSizes::default();
        sizes.advance(0);
        for i in 1..=2_000_i64 {
            sizes.push(i * 1_000);
        }
        assert_eq!(sizes.threshold, None);
        sizes.advance(60);
        let threshold = sizes.threshold.unwrap();
        assert!((1_750_000..=1_980_000).contains(&threshold), "{threshold}");
    }
}
