//! Sums over rows that can be added and removed, for rolling windows and reliability diagrams.
//!
//! # Arithmetic
//! Probabilities and squared errors are rounded once to 1e-15 and summed as integers. So a removed row leaves no
//! rounding error, the order does not matter, and every mean is within 1e-15 of the one over slices.

use super::probability::skill;

/// Number of bins in the reliability table, of equal width: bin `i` holds probabilities from `i / 20` to below `(i + 1)
/// / 20`, and the last one includes 1.
pub const RELIABILITY_BINS: usize = 20;

const UNITS: f64 = 1e15;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bin {
    rows: u64,
    spikes: u64,
    /// Sum of the probabilities, in units of 1e-15.
    probability: i128,
}

/// One line of a reliability table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReliabilityBin {
    /// Lower bound of the bin's probabilities, inclusive.
    pub low: f64,
    /// Upper bound, exclusive except in the last bin.
    pub high: f64,
    /// Number of rows in the bin.
    pub rows: u64,
    /// Mean of their probabilities; 0 without rows.
    pub mean_probability: f64,
    /// Share of them whose label is true; 0 without rows.
    pub spike_share: f64,
}

/// Counts and sums of rows with labels and probabilities.
///
/// ```
/// use stormglass_model::evaluation::Tally;
/// let mut tally = Tally::default();
/// tally.add(true, 0.75);
/// tally.add(false, 0.5);
/// assert_eq!((tally.rows(), tally.base_rate(), tally.brier()), (2, 0.5, 0.15625));
/// tally.remove(false, 0.5);
/// assert_eq!(tally.expected_calibration_error(), 0.25);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    bins: [Bin; RELIABILITY_BINS],
    /// Sum of squared errors, 1e-15.
    squared_error: i128,
}

impl Tally {
    /// The tally of rows in the same order.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn of(labels: &[bool], probabilities: &[f64]) -> Self {
        assert_eq!(labels.len(), probabilities.len(), "labels, probabilities");
        let mut tally = Self::default();
        for (&label, &probability) in labels.iter().zip(probabilities) {
            tally.add(label, probability);
        }
        tally
    }

    /// Adds a row. A probability outside 0..=1 counts as the nearer end, NaN as 0.
    pub fn add(&mut self, label: bool, probability: f64) {
        let (bin, probability, squared_error) = units(label, probability);
        let bin = &mut self.bins[bin];
        bin.rows += 1;
        bin.spikes += u64::from(label);
        bin.probability += probability;
        self.squared_error += squared_error;
    }

    /// Removes a row that was added; the sums are then as if it had never been added.
    ///
    /// # Panics
    /// If no such row was added.
    pub fn remove(&mut self, label: bool, probability: f64) {
        let (bin, probability, squared_error) = units(label, probability);
        let bin = &mut self.bins[bin];
        assert!(bin.rows > 0 && bin.spikes >= u64::from(label), "a row that was never added: {bin:?}");
        bin.rows -= 1;
        bin.spikes -= u64::from(label);
        bin.probability -= probability;
        self.squared_error -= squared_error;
    }

    /// Adds all rows of another tally.
    pub fn merge(&mut self, other: &Self) {
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.rows += more.rows;
            bin.spikes += more.spikes;
            bin.probability += more.probability;
        }
        self.squared_error += other.squared_error;
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.bins.iter().map(|bin| bin.rows).sum()
    }

    /// Rows whose label is true.
    pub fn spikes(&self) -> u64 {
        self.bins.iter().map(|bin| bin.spikes).sum()
    }

    /// Share of true labels: see [`base_rate`](super::base_rate).
    pub fn base_rate(&self) -> f64 {
        self.spikes() as f64 / self.rows().max(1) as f64
    }

    /// Mean squared error of the probabilities: see [`brier`](super::brier()).
    pub fn brier(&self) -> f64 {
        self.squared_error as f64 / UNITS / self.rows().max(1) as f64
    }

    /// Improvement on the base rate's Brier score: see [`brier_skill`](super::brier_skill).
    pub fn brier_skill(&self) -> f64 {
        skill(self.brier(), self.base_rate())
    }

    /// Mean gap between probability and frequency: see [`expected_calibration_error`].
    pub fn expected_calibration_error(&self) -> f64 {
        let gap = |bin: &Bin| (bin.probability as f64 / UNITS - bin.spikes as f64).abs();
        self.bins.iter().map(gap).sum::<f64>() / self.rows().max(1) as f64
    }

    /// The reliability table, from low to high; bins without rows are in it.
    pub fn reliability(&self) -> [ReliabilityBin; RELIABILITY_BINS] {
        std::array::from_fn(|place| {
            let bin = &self.bins[place];
            let rows = bin.rows.max(1) as f64;
            ReliabilityBin {
                low: place as f64 / RELIABILITY_BINS as f64,
                high: (place + 1) as f64 / RELIABILITY_BINS as f64,
                rows: bin.rows,
                mean_probability: bin.probability as f64 / UNITS / rows,
                spike_share: bin.spikes as f64 / rows,
            }
        })
    }
}

/// The bin, and the probability and squared error in units of 1e-15.
fn units(label: bool, probability: f64) -> (usize, i128, i128) {
    let probability = if probability.is_nan() { 0.0 } else { probability.clamp(0.0, 1.0) };
    let bin = ((probability * RELIABILITY_BINS as f64) as usize).min(RELIABILITY_BINS - 1);
    let miss = probability - f64::from(u8::from(label));
    let units = |value: f64| (value * UNITS).round() as i128;
    (bin, units(probability), units(miss * miss))
}

/// Expected calibration error: the mean over rows of `|mean probability - share of true labels|` of their bin, the bins
/// being the [`RELIABILITY_BINS`] fixed ones: `sum over bins |sum of probabilities - true labels| / rows`. 0 for no rows.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use stormglass_model::evaluation::expected_calibration_error;
/// // One row in the bin 0.10..0.15, three in 0.90..0.95.
/// let error = expected_calibration_error(&[false, true, true, false], &[0.1, 0.9, 0.92, 0.94]);
/// assert!((error - (0.1 + (2.76 - 2.0)) / 4.0).abs() < 1e-12);
/// ```
pub fn expected_calibration_error(labels: &[bool], probabilities: &[f64]) -> f64 {
    Tally::of(labels, probabilities).expected_calibration_error()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation;

    fn rows(count: u32) -> (Vec<bool>, Vec<f64>) {
        let mut state = 5_u64;
        let mut unit = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let probabilities: Vec<f64> = (0..count).map(|_| unit() * unit()).collect();
        (probabilities.iter().map(|&probability| unit() < probability).collect(), probabilities)
    }

    #[test]
    fn sums_agree_with_slices_and_rows_taken_out_leave_nothing() {
        let (labels, probabilities) = rows(5000);
        let all = Tally::of(&labels, &probabilities);
        assert!((all.brier() - evaluation::brier(&labels, &probabilities)).abs() < 1e-14);
        assert!((all.brier_skill() - evaluation::brier_skill(&labels, &probabilities)).abs() < 1e-13);
        assert_eq!(all.base_rate(), evaluation::base_rate(&labels));

        let mut rolling = all.clone();
        for row in 0..3000 {
            rolling.remove(labels[row], probabilities[row]);
        }
        let rest = Tally::of(&labels[3000..], &probabilities[3000..]);
        assert_eq!(rolling, rest);
        let mut merged = Tally::of(&labels[..3000], &probabilities[..3000]);
        merged.merge(&rest);
        assert_eq!(merged, all);
    }

    #[test]
    fn the_table_holds_every_row_in_its_bin() {
        let table = Tally::of(&[true, false, true, true], &[1.0, 0.05, 0.049, f64::NAN]).reliability();
        assert_eq!((table[19].rows, table[19].mean_probability, table[19].spike_share), (1, 1.0, 1.0));
        assert_eq!((table[1].rows, table[1].spike_share), (1, 0.0));
        assert_eq!((table[0].rows, table[0].spike_share), (2, 1.0));
        assert_eq!((table[0].low, table[0].high, table[19].high), (0.0, 0.05, 1.0));
    }

    #[test]
    #[should_panic(expected = "never added")]
    fn a_row_that_is_not_in_cannot_be_taken_out() {
        Tally::default().remove(false, 0.5);
    }
}
