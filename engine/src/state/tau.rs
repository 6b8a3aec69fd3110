//! tau: the symbol's own threshold, by default the 0.9 quantile of its completed 60-second volatilities over the last
//! 24 hours; or a fixed one, where the configuration gives it.
//!
//! # Idea
//! A histogram whose bins are 1 % wide in the logarithm, and a ring that remembers which bin each 5-second grid
//! instant filled. Adding, evicting and moving the cursor are O(1); the quantile is off by at most half a bin.
//!
//! # Arithmetic
//! Bin `i` holds volatilities `exp((i + 0..1) / 100) x 1e-9` per square-root second; 0 falls into bin 0. Instants
//! without a completed window hold a mark, so that eviction is by time, not by count.

use rkyv::{Archive, Deserialize, Serialize};

use super::label::LabelSettings;

/// Seconds between samples.
pub const GRID_S: i64 = 5;
/// Grid instants in 24 hours.
pub const RING: usize = 24 * 3600 / GRID_S as usize;

const BINS: usize = 2_304;
const BINS_PER_E: f64 = 100.0;
const LOWEST: f64 = 1e-9;
const NO_SAMPLE: u16 = u16::MAX;

/// The evictable histogram.
#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub struct Tau {
    ring: Vec<u16>,
    next: u32,
    counts: Vec<u16>,
    /// Samples held.
    total: u32,
    /// The bin of the quantile, while there are samples.
    cursor: u32,
    /// Samples in bins below the cursor.
    below: u32,
    quantile: f64,
    /// Samples before the quantile is used.
    samples_min: u32,
    /// Stands in the quantile's place, per square-root second.
    fixed: Option<f64>,
    /// The threshold of the present cursor, per square-root second.
    value: f64,
}

impl Tau {
    /// An empty histogram for the label's quantile.
    ///
    /// # Panics
    /// If that is not between 0 and 1.
    pub fn new(label: &LabelSettings) -> Self {
        let quantile = label.quantile;
        assert!(quantile > 0.0 && quantile < 1.0, "the quantile of tau is {quantile}, outside 0..1");
        Self {
            ring: vec![NO_SAMPLE; RING],
            next: 0,
            counts: vec![0; BINS],
            total: 0,
            cursor: 0,
            below: 0,
            quantile,
            samples_min: label.warm_up_s / GRID_S as u32,
            fixed: label.threshold,
            value: bin_centre(0),
        }
    }

    /// Takes the volatility of the window that ends at the next grid instant, per square-root second, or notes that
    /// it is not known.
    pub fn push(&mut self, volatility: Option<f64>) {
        let leaving = self.ring[self.next as usize];
        if leaving != NO_SAMPLE {
            self.counts[leaving as usize] -= 1;
            self.total -= 1;
            self.below -= u32::from(u32::from(leaving) < self.cursor);
        }
        let bin = volatility.map_or(NO_SAMPLE, bin_of);
        self.ring[self.next as usize] = bin;
        self.next = (self.next + 1) % RING as u32;
        if bin != NO_SAMPLE {
            self.counts[bin as usize] += 1;
            self.total += 1;
            self.below += u32::from(u32::from(bin) < self.cursor);
        }
        if leaving != bin {
            self.seek();
        }
    }

    /// Notes `count` grid instants without a completed window.
    pub fn push_unknown(&mut self, count: u64) {
        if count >= RING as u64 {
            self.ring.fill(NO_SAMPLE);
            self.counts.fill(0);
            (self.next, self.total, self.cursor, self.below) = (0, 0, 0, 0);
            self.value = bin_centre(0);
            return;
        }
        for _ in 0..count {
            self.push(None);
        }
    }

    /// The threshold per square-root second: the fixed one, or the quantile once enough samples are held (two hours of
    /// them, unless configured otherwise).
    pub fn value(&self) -> Option<f64> {
        self.fixed.or((self.total >= self.samples_min.max(1)).then_some(self.value))
    }

    /// Samples held.
    pub fn sample_count(&self) -> u32 {
        self.total
    }

    /// Moves the cursor to the bin of the sample of rank `ceil(quantile x total)`.
    fn seek(&mut self) {
        if self.total == 0 {
            return;
        }
        let rank = (libm::ceil(self.quantile * f64::from(self.total)) as u32).max(1);
        let before = self.cursor;
        while self.below >= rank {
            self.cursor -= 1;
            self.below -= u32::from(self.counts[self.cursor as usize]);
        }
        while self.below + u32::from(self.counts[self.cursor as usize]) < rank {
            self.below += u32::from(self.counts[self.cursor as usize]);
            self.cursor += 1;
        }
        if self.cursor != before {
            self.value = bin_centre(self.cursor);
        }
    }
}

fn bin_of(volatility: f64) -> u16 {
    if volatility <= LOWEST {
        return 0;
    }
    let bin = libm::floor(libm::log(volatility / LOWEST) * BINS_PER_E);
    (bin as usize).min(BINS - 1) as u16
}

fn bin_centre(bin: u32) -> f64 {
    libm::exp((f64::from(bin) + 0.5) / BINS_PER_E) * LOWEST
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLES_MIN: u32 = 2 * 3600 / GRID_S as u32;

    /// The same quantile by sorting what is in the last 24 hours.
    pub(in crate::state) fn naive(samples: &[Option<f64>], quantile: f64) -> Option<f64> {
        let from = samples.len().saturating_sub(RING);
        let mut bins: Vec<u16> = samples[from..].iter().flatten().map(|&v| bin_of(v)).collect();
        if (bins.len() as u32) < SAMPLES_MIN {
            return None;
        }
        bins.sort_unstable();
        let rank = ((quantile * bins.len() as f64).ceil() as usize).max(1);
        Some(bin_centre(u32::from(bins[rank - 1])))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_cursor_is_where_sorting_puts_it(
            seed in any::<u64>(), length in 1_000_usize..40_000, quantile in 0.05_f64..0.99
        ) {
            let mut state = seed | 1;
            let mut tau = Tau::new(&LabelSettings { quantile, ..LabelSettings::default() });
            let mut samples = Vec::new();
            for i in 0..length {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let unit = (state >> 11) as f64 / (1_u64 << 53) as f64;
                let sample = (unit > 0.1).then(|| if unit < 0.12 { 0.0 } else { (unit * 9.0).exp() * 1e-7 });
                tau.push(sample);
                samples.push(sample);
                if i % 997 == 0 || i + 1 == length {
                    prop_assert_eq!(tau.value(), naive(&samples, quantile), "after {} samples", i + 1);
                }
            }
        }
    }

    #[test]
    fn a_fixed_threshold_needs_no_samples_and_a_short_warm_up_few() {
        let fixed = LabelSettings { threshold: Some(2e-4), ..LabelSettings::default() };
        assert_eq!(Tau::new(&fixed).value(), Some(2e-4));
        let mut quick = Tau::new(&LabelSettings { warm_up_s: 10, ..LabelSettings::default() });
        quick.push(Some(1e-4));
        assert_eq!(quick.value(), None);
        quick.push(Some(1e-4));
        assert!((quick.value().unwrap() / 1e-4).ln().abs() <= 0.0051);
    }

    #[test]
    fn the_error_is_at_most_half_a_bin() {
        for volatility in [1.3e-9, 2e-6, 1e-4, 0.5] {
            let centre = bin_centre(u32::from(bin_of(volatility)));
            assert!((centre / volatility).ln().abs() <= 0.005 + 1e-12, "{volatility} -> {centre}");
        }
    }
}
