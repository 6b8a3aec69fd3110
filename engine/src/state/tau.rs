//! tau: the symbol's own threshold, by default the 0.9 quantile of its completed 60-second volatilities over the last
//! 24 hours; or a fixed one, where the configuration gives it.
//!
//! # Idea
//! A histogram whose bins are 1 % wide in the logarithm, and a ring that remembers which bin each 5-second grid
//! instant filled. Adding, evicting and moving the cursor are O(1); the quantile is off by at most half a bin.
//!
//! # Before there are enough samples
//! Until the warm-up has passed (two hours of samples), a provisional threshold stands in: the same quantile of the samples
//! so far, at the rank of a conformal prediction, `ceil(q (n + h))` of `n`. `h` is the number of samples that share seconds
//! with one sample, 12 of 60 seconds each: so many stand for one that is independent. If past and next minutes can be
//! exchanged, the next volatility exceeds it with a probability of at most `1 - q`. The rank exists from `q h / (1 - q)`
//! samples on (108 by default: ten minutes after the first tick); before, there is no threshold. So the event is of the
//! symbol's own scale from the beginning; a threshold in basis points from other symbols is ten times too high for one and
//! too low for the next.
//!
//! Measured on real ticks with a new start every 2.5 hours, over all scored instants before the own threshold (shipped model
//! 2; "skill" is the Brier skill, AP the average precision, "contradictions" are answers that [`Forecast::agrees`] rejects):
//!
//! | ticks | threshold | rows | event's share | AP | AP of persistence | skill | contradictions |
//! |---|---|---|---|---|---|---|---|
//! | bitFlyer BTC-JPY | another symbol's | 94,444 | 0.249 | 0.233 | 0.556 | -0.06 | 17.0 % |
//! | | provisional | 88,435 | 0.088 | 0.300 | 0.253 | +0.09 | 0.03 % |
//! | StandX BTC-USD | another symbol's | 14,863 | 0.002 | 0.003 | 0.043 | below -10 | 76 % |
//! | | provisional | 12,723 | 0.112 | 0.263 | 0.189 | +0.07 | 0.7 % |
//! | BitMEX XBTUSD | another symbol's | 34,090 | 0.124 | 0.167 | 0.348 | -0.01 | 23 % |
//! | | provisional | 31,968 | 0.092 | 0.289 | 0.209 | +0.09 | 0.03 % |
//! | Coinbase BTC, ETH | another symbol's | 2,795 | 0.000 | - | - | - | 90 % |
//! | | provisional | 2,618 | 0.102 | 0.115 | 0.114 | -0.04 | 0 |
//!
//! With fewer than 60 samples the event's share is 0.15 to 0.35 and the skill below 0. At the turn from provisional to own
//! the threshold falls by 0 to 7 %.
//!
//! [`Forecast::agrees`]: crate::volatility::Forecast::agrees
//!
//! # Arithmetic
//! Bin `i` holds volatilities `exp((i + 0..1) / 100) x 1e-9` per square-root second; 0 falls into bin 0. Instants
//! without a completed window hold a mark, so that eviction is by time, not by count.

use rkyv::{Archive, Deserialize, Serialize};

use super::label::LabelSettings;
use crate::{prediction::TauSource, window::GRID_S};

/// Grid instants in 24 hours.
pub const RING: usize = 24 * 3600 / GRID_S as usize;

const BINS: usize = 2_304;
const BINS_PER_E: f64 = 100.0;
const LOWEST: f64 = 1e-9;
const NO_SAMPLE: u16 = u16::MAX;

/// The histogram of the last 24 hours, from which samples are evicted by time.
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
    /// Samples that share seconds with one sample, itself included.
    overlap: u32,
    /// Samples before there is a provisional threshold.
    provisional_min: u32,
    /// A fixed threshold in place of the quantile, per square-root second.
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
        let overlap = label.steps() as u32;
        // The quotient of 0.9 and 12 is not exactly 108. A cast of what no u32 holds gives the largest.
        let provisional_min = libm::ceil(quantile * f64::from(overlap) / (1.0 - quantile) - 1e-9) as u32;
        Self {
            ring: vec![NO_SAMPLE; RING],
            next: 0,
            counts: vec![0; BINS],
            total: 0,
            cursor: 0,
            below: 0,
            quantile,
            samples_min: label.warm_up_s / GRID_S as u32,
            overlap,
            provisional_min,
            fixed: label.threshold(),
            value: bin_centre(0),
        }
    }

    /// Adds the volatility of the window that ends at the next grid instant, per square-root second; `None` if it is not
    /// known.
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

    /// Adds `count` grid instants without a completed window.
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
        self.fixed.or(self.is_own().then_some(self.value))
    }

    /// The threshold in force and whose it is: the symbol's own, or before that the provisional one. `None` while there
    /// are too few samples for either.
    pub fn threshold(&self) -> Option<(f64, TauSource)> {
        let provisional = || (self.total >= self.provisional_min).then_some((self.value, TauSource::Model));
        self.value().map(|own| (own, TauSource::Own)).or_else(provisional)
    }

    /// Seconds of samples that are missing until there is any threshold.
    pub fn missing_s(&self) -> u32 {
        self.samples_min
            .max(1)
            .min(self.provisional_min)
            .saturating_sub(self.total)
            .saturating_mul(GRID_S as u32)
    }

    /// Seconds of samples that are missing until the threshold is the symbol's own.
    pub fn own_missing_s(&self) -> u32 {
        self.samples_min.max(1).saturating_sub(self.total).saturating_mul(GRID_S as u32)
    }

    fn is_own(&self) -> bool {
        self.total >= self.samples_min.max(1)
    }

    /// The rank of the threshold among the samples, from 1.
    fn rank(&self) -> u32 {
        let counted = if self.is_own() { self.total } else { self.total + self.overlap };
        (libm::ceil(self.quantile * f64::from(counted)) as u32).clamp(1, self.total)
    }

    /// Moves the cursor to the bin of the sample of that rank.
    fn seek(&mut self) {
        if self.total == 0 {
            return;
        }
        let rank = self.rank();
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
    pub(in crate::state) fn naive(samples: &[Option<f64>], quantile: f64) -> Option<(f64, TauSource)> {
        let from = samples.len().saturating_sub(RING);
        let mut bins: Vec<u16> = samples[from..].iter().flatten().map(|&v| bin_of(v)).collect();
        bins.sort_unstable();
        let count = bins.len();
        let (counted, source) = if count as u32 >= SAMPLES_MIN {
            (count, TauSource::Own)
        } else {
            (count + 12, TauSource::Model)
        };
        let rank = ((quantile * counted as f64).ceil() as usize).max(1);
        // There must be such a rank.
        bins.get(rank - 1).map(|&bin| (bin_centre(u32::from(bin)), source))
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
                if i % 997 == 0 || i + 1 == length || i < 1_500 && i % 7 == 0 {
                    prop_assert_eq!(tau.threshold(), naive(&samples, quantile), "after {} samples", i + 1);
                }
            }
        }
    }

    #[test]
    fn a_fixed_threshold_needs_no_samples_and_a_short_warm_up_few() {
        let fixed = LabelSettings { threshold_bp: Some(2.0), ..LabelSettings::default() };
        assert_eq!(Tau::new(&fixed).value(), Some(2e-4));
        let mut quick = Tau::new(&LabelSettings { warm_up_s: 10, ..LabelSettings::default() });
        quick.push(Some(1e-4));
        assert_eq!((quick.threshold(), quick.missing_s(), quick.own_missing_s()), (None, 5, 5));
        quick.push(Some(1e-4));
        assert!((quick.value().unwrap() / 1e-4).ln().abs() <= 0.0051);
    }

    #[test]
    fn a_provisional_threshold_stands_in_from_108_samples_until_the_own_one() {
        let mut tau = Tau::new(&LabelSettings::default());
        for sample in 0..SAMPLES_MIN {
            let expected = if sample < 108 { None } else { Some(TauSource::Model) };
            assert_eq!(tau.threshold().map(|(_, source)| source), expected, "after {sample} samples");
            assert_eq!(tau.missing_s(), 540_u32.saturating_sub(5 * sample));
            assert_eq!(tau.own_missing_s(), 7_200 - 5 * sample);
            // Rising: the greatest of 108 samples is the last, and 1 % above the one before.
            tau.push(Some(1e-5 * libm::exp(f64::from(sample) / 100.0)));
            if sample + 1 == 108 {
                let (value, _) = tau.threshold().unwrap();
                assert!((value / (1e-5 * libm::exp(1.07)) - 1.0).abs() < 0.0051, "{value}");
            }
        }
        assert_eq!(tau.threshold().map(|(_, source)| source), Some(TauSource::Own));
        assert_eq!((tau.missing_s(), tau.own_missing_s()), (0, 0));
    }

    #[test]
    fn the_error_is_at_most_half_a_bin() {
        for volatility in [1.3e-9, 2e-6, 1e-4, 0.5] {
            let centre = bin_centre(u32::from(bin_of(volatility)));
            assert!((centre / volatility).ln().abs() <= 0.005 + 1e-12, "{volatility} -> {centre}");
        }
    }
}
