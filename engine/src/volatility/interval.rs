//! An interval that adapts to hold its intended share of outcomes, whatever the market does.
//!
//! # Idea
//! The log ratios of outcome to forecast of the last six hours are kept in a histogram. The interval's ends are its
//! quantiles at two levels, one for each tail. Adaptive conformal inference (Gibbs and Candès 2021, eq. 2) moves each
//! level after every outcome: `level <- level + gamma (promised - missed)`. A miss widens the interval, a hit narrows
//! it a little, so the share of misses tends to the promised one without any assumption about the data. An outcome is
//! known 60 seconds late; the step is taken then, for the interval that was given.
//!
//! # Size of the step
//! Gibbs and Candès' gamma of 0.005 is for outcomes that do not overlap. Here an outcome of 60 seconds arrives every 5
//! seconds, so one jump of the price misses twelve times in a row, and twelve steps of 0.005 take a tail's level of 0.05
//! below 0, where no end is far enough. Each step is therefore 0.005 divided by the number of outcomes that overlap.
//! Measured over all outcomes with an interval (basis points per square-root second; "open" is an upper end more than 20
//! times the centre, "zero" a lower end of 0, "worst hours" the 5 % quantile of the coverage of 720 outcomes in a row):
//!
//! | ticks | step | coverage | worst hours | mean width | mean interval score | open | zero |
//! |---|---|---|---|---|---|---|---|
//! | BitMEX XBTUSD, 60 h | 0.005 | 0.900 | 0.868 | 7.30 | 8.19 | 4.3 % | 8.4 % |
//! | | 0.005 / 12 | 0.899 | 0.833 | 2.84 | 3.73 | 0 | 0.2 % |
//! | bitFlyer BTC-JPY, 168 h | 0.005 | 0.900 | 0.865 | 11.45 | 12.59 | 5.8 % | 8.3 % |
//! | | 0.005 / 12 | 0.899 | 0.819 | 3.79 | 5.02 | 0 | 0.7 % |
//! | StandX BTC-USD, 47 h | 0.005 | 0.901 | 0.868 | 1.39 | 1.58 | 4.0 % | 19.5 % |
//! | | 0.005 / 12 | 0.903 | 0.816 | 0.86 | 1.05 | 0 | 12.9 % |
//! | Coinbase ETH-USD, 2 h | 0.005 | 0.908 | 0.896 | 1.30 | 1.42 | 22.6 % | 88.9 % |
//! | | 0.005 / 12 | 0.945 | 0.944 | 0.51 | 0.67 | 0 | 100 % |
//!
//! A step of 0.001 or 0.002, or one of 0.005 each minute, has a score that is equal or up to 25 % worse. `stormglass
//! evaluate --input FILE` prints coverage, width and score of the rows that it judges. A lower end of 0 remains if more
//! than the tail's share of the last six hours' outcomes had almost no movement, as 15 % of Coinbase's ETH-USD have: no
//! higher end would hold them.
//!
//! # Arithmetic
//! 256 bins of 1/32 in the logarithm, -4..4. A quantile is its bin's outer edge, so rounding never narrows.

use rkyv::{Archive, Deserialize, Serialize};

use super::{COVERAGE, Forecast};

/// Outcomes needed before there is an interval: ten minutes of the grid.
pub const OUTCOMES_MIN: u32 = 120;

/// Log ratios are clamped to this.
pub const MISS_MAX: f64 = 4.0;

/// Outcomes held: six hours.
const RING: usize = 4_320;
const BINS: usize = 256;
const BINS_PER_E: f64 = 32.0;

/// Step of a level for outcomes that do not overlap (Gibbs and Candès 2021, section 2.2).
const GAMMA: f64 = 0.005;

/// Share of misses that each tail may have.
const TAIL: f64 = (1.0 - COVERAGE) / 2.0;

/// The levels of the two tails, and the histogram of errors that they are quantiles of.
#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub struct Interval {
    ring: Vec<u8>,
    next: u32,
    total: u32,
    counts: Vec<u16>,
    low_level: f64,
    high_level: f64,
    /// The ends as factors of the forecast's centre; `None` until enough outcomes are held.
    factors: Option<(f64, f64)>,
}

impl Default for Interval {
    fn default() -> Self {
        Self {
            ring: vec![0; RING],
            next: 0,
            total: 0,
            counts: vec![0; BINS],
            low_level: TAIL,
            high_level: TAIL,
            factors: None,
        }
    }
}

impl Interval {
    /// Lower and upper end as factors of the centre.
    pub fn factors(&self) -> Option<(f64, f64)> {
        self.factors
    }

    /// Learns a log ratio of outcome to centre, within -4..=4, and the forecast that was given with its outcome.
    /// `overlap` is the number of outcomes that share seconds with one another: the horizon in steps of the grid.
    pub fn learn(&mut self, miss: f64, given: Option<(Forecast, f64)>, overlap: usize) {
        if let Some((forecast, realised)) = given {
            let gamma = GAMMA / overlap.max(1) as f64;
            self.low_level += gamma * (TAIL - f64::from(u8::from(realised < forecast.low)));
            self.high_level += gamma * (TAIL - f64::from(u8::from(realised > forecast.high)));
        }
        self.push(bin_of(miss));
        if self.total >= OUTCOMES_MIN {
            let low = self.low_factor();
            // Levels beyond one half would let the ends cross.
            self.factors = Some((low, self.high_factor().max(low)));
        }
    }

    fn push(&mut self, bin: u8) {
        let place = &mut self.ring[self.next as usize];
        if self.total as usize == RING {
            self.counts[usize::from(*place)] -= 1;
        } else {
            self.total += 1;
        }
        *place = bin;
        self.counts[usize::from(bin)] += 1;
        self.next = (self.next + 1) % RING as u32;
    }

    /// Number of outcomes that may lie outside one end; `None`: the end is as far out as possible.
    fn outside(&self, level: f64) -> Option<u32> {
        let outside = (level * f64::from(self.total)) as u32;
        (level > 0.0).then_some(outside.min(self.total - 1))
    }

    fn low_factor(&self) -> f64 {
        let Some(outside) = self.outside(self.low_level) else { return 0.0 };
        match first_past(self.counts.iter(), outside) {
            // No outcome is below the first bin, so the end is 0.
            0 => 0.0,
            bin => edge(bin),
        }
    }

    fn high_factor(&self) -> f64 {
        let Some(outside) = self.outside(self.high_level) else { return edge(BINS) };
        edge(BINS - first_past(self.counts.iter().rev(), outside))
    }
}

/// The first bin at which more than `outside` outcomes have been passed.
fn first_past<'a>(counts: impl Iterator<Item = &'a u16>, outside: u32) -> usize {
    let mut passed = 0;
    for (bin, &count) in counts.enumerate() {
        passed += u32::from(count);
        if passed > outside {
            return bin;
        }
    }
    unreachable!("fewer lie outside than there are")
}

fn bin_of(miss: f64) -> u8 {
    // Truncation is floor here, and the cast saturates.
    ((miss + MISS_MAX) * BINS_PER_E) as u8
}

/// The lower edge of a bin as a factor.
fn edge(bin: usize) -> f64 {
    libm::exp(bin as f64 / BINS_PER_E - MISS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same ends, computed by sorting the ring.
    fn naive(bins: &[u8], low_level: f64, high_level: f64) -> (f64, f64) {
        let from = bins.len().saturating_sub(RING);
        let mut sorted = bins[from..].to_vec();
        sorted.sort_unstable();
        let count = sorted.len();
        let place = |level: f64| ((level * count as f64) as usize).min(count - 1);
        let low = match sorted[place(low_level)] {
            0 => 0.0,
            bin => edge(usize::from(bin)),
        };
        let high = edge(usize::from(sorted[count - 1 - place(high_level)]) + 1);
        let low = if low_level > 0.0 { low } else { 0.0 };
        (low, if high_level > 0.0 { high.max(low) } else { edge(BINS) })
    }

    #[test]
    fn the_ends_are_where_sorting_puts_them() {
        let mut interval = Interval::default();
        let mut state = 17_u64;
        let mut bins = Vec::new();
        for i in 0..12_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let unit = (state >> 11) as f64 / (1_u64 << 53) as f64;
            let miss = ((unit - 0.5) * 9.0).clamp(-MISS_MAX, MISS_MAX);
            let given =
                interval.factors().map(|(low, high)| (Forecast { sigma: 1.0, low, high }, libm::exp(miss)));
            interval.learn(miss, given, 12);
            bins.push(bin_of(miss));
            if i % 101 == 0 && i > 200 {
                let expected = naive(&bins, interval.low_level, interval.high_level);
                assert_eq!(interval.factors(), Some(expected), "after {i}");
            }
        }
    }

    #[test]
    fn ends_move_out_while_outcomes_miss_and_in_while_they_hit() {
        let mut interval = Interval::default();
        for i in 0..OUTCOMES_MIN {
            assert_eq!(interval.factors(), None, "after {i} outcomes");
            interval.learn(f64::from(i) / 1_000.0, None, 1);
        }
        let (_, first) = interval.factors().unwrap();
        let far = Forecast { sigma: 1.0, low: 0.5, high: first };
        for _ in 0..30 {
            interval.learn(0.05, Some((far, 3.0)), 1);
        }
        assert_eq!(interval.factors().unwrap().1, edge(BINS), "no bound is far enough after thirty misses");
        for _ in 0..2_000 {
            interval.learn(0.05, Some((far, 1.0)), 1);
        }
        assert!(interval.factors().unwrap().1 < 1.2);
    }

    /// One jump is in twelve outcomes of 60 seconds in a row. It moves the ends as one miss does, not as twelve.
    #[test]
    fn one_jump_in_overlapping_outcomes_opens_no_end() {
        let mut interval = Interval::default();
        let mut learn = |realised: f64| {
            let given = interval.factors().map(|(low, high)| (Forecast { sigma: 1.0, low, high }, realised));
            interval.learn(libm::log(realised), given, 12);
            interval.factors().unwrap_or((0.5, 2.0))
        };
        for step in 0..4_000_i64 {
            let is_jump = step % 400 < 12 && step > 400;
            let calm = 1.0 + 0.4 * libm::sin(step as f64);
            let (low, high) = learn(if is_jump { 6.0 } else { calm });
            assert!(0.4 < low && high < 6.5, "after {step}: {low} to {high} times the centre");
        }
        for step in 0..600_i64 {
            // A still hour: outcomes of 0 are held by a lower end of 0 once they are more than the tail's share.
            learn(if step < 240 { 1e-9 } else { 1.0 });
        }
        assert_eq!(interval.factors().unwrap().0, 0.0);
    }
}
