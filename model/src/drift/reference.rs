//! The distributions of features and answers in training, as bins, to compare live values with.

use crate::file::v1::{self, ArchivedBins, ArchivedDrift};

/// Number of bins that [`Bins::by_quantiles`] aims at.
const BINS: usize = 20;
/// Most edges of one feature in a file.
const EDGES_MAX: usize = 1024;

/// Counts of values between edges: a histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bins {
    /// Ascending, finite, in the feature's unit. Bin 0 holds values below edge 0; bin i values from edge i-1 to below
    /// edge i; the last bin values at or above the last edge.
    pub edges: Vec<f64>,
    /// Number of values in each bin; one more than edges.
    pub counts: Vec<u64>,
    /// Missing values (NaN), which are in no bin.
    pub missing: u64,
}

/// The distributions of features and answers in training, as a model file carries them.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftReference {
    /// Bins of each feature, in the order of the row.
    pub features: Vec<Bins>,
    /// Bins of the model's answers (probabilities) for the same rows.
    pub answers: Bins,
    /// Number of training rows.
    pub rows: u64,
}

impl Bins {
    /// Bins of about equal counts: their edges are quantiles of the values, without duplicates.
    pub fn by_quantiles(values: impl Iterator<Item = f64>) -> Self {
        let (mut present, mut missing) = (Vec::new(), 0);
        for value in values {
            if value.is_nan() { missing += 1 } else { present.push(value) }
        }
        present.sort_unstable_by(f64::total_cmp);
        let quantile = |at: usize| present[at * present.len() / BINS];
        let mut edges: Vec<f64> = Vec::new();
        if !present.is_empty() {
            edges = (1..BINS).map(quantile).filter(|edge| edge.is_finite()).collect();
            edges.dedup();
        }
        let mut bins = Self { counts: vec![0; edges.len() + 1], edges, missing };
        for value in present {
            let bin = bins.bin(value);
            bins.counts[bin] += 1;
        }
        bins
    }

    /// Bins with the same edges and counts of 0.
    pub fn emptied(&self) -> Self {
        Self { edges: self.edges.clone(), counts: vec![0; self.counts.len()], missing: 0 }
    }

    /// Counts a value in its bin; NaN counts as missing.
    pub fn add(&mut self, value: f64) {
        if value.is_nan() {
            self.missing += 1;
        } else {
            let bin = self.bin(value);
            self.counts[bin] += 1;
        }
    }

    /// The bin of a value that is not NaN.
    pub fn bin(&self, value: f64) -> usize {
        self.edges.partition_point(|&edge| edge <= value)
    }

    fn fault(&self) -> Option<String> {
        let ascending = self.edges.windows(2).all(|pair| pair[0] < pair[1]);
        if self.edges.len() > EDGES_MAX || !ascending || !self.edges.iter().all(|edge| edge.is_finite()) {
            return Some(format!("{} edges: at most {EDGES_MAX}, finite, ascending", self.edges.len()));
        }
        (self.counts.len() != self.edges.len() + 1)
            .then(|| format!("{} counts for {} edges", self.counts.len(), self.edges.len()))
    }

    fn to_archive(&self) -> v1::Bins {
        v1::Bins { edges: self.edges.clone(), counts: self.counts.clone(), missing: self.missing }
    }

    fn read(archived: &ArchivedBins) -> Self {
        Self {
            edges: archived.edges.iter().map(|edge| edge.to_native()).collect(),
            counts: archived.counts.iter().map(|count| count.to_native()).collect(),
            missing: archived.missing.to_native(),
        }
    }
}

impl DriftReference {
    /// The first fault that makes this invalid for a model with `features` features; `None` if there is none.
    pub(crate) fn fault(&self, features: usize) -> Option<String> {
        if self.features.len() != features {
            return Some(format!("{} distributions for {features} features", self.features.len()));
        }
        let faults =
            self.features.iter().enumerate().map(|(at, bins)| (format!("feature {at}"), bins.fault()));
        faults
            .chain([("answers".to_owned(), self.answers.fault())])
            .find_map(|(place, fault)| Some(format!("{place}: {}", fault?)))
    }

    pub(crate) fn to_archive(&self) -> v1::Drift {
        v1::Drift {
            features: self.features.iter().map(Bins::to_archive).collect(),
            answers: self.answers.to_archive(),
            rows: self.rows,
        }
    }

    /// Reads and checks the section.
    ///
    /// # Errors
    /// The first rule of FORMAT.md's `DRFT` that it breaks.
    pub(crate) fn read(archived: &ArchivedDrift, features: usize) -> Result<Self, String> {
        let reference = Self {
            features: archived.features.iter().map(Bins::read).collect(),
            answers: Bins::read(&archived.answers),
            rows: archived.rows.to_native(),
        };
        reference.fault(features).map_or(Ok(reference), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_every_value_once() {
        let values = (0..1000).map(|at| if at % 10 == 0 { f64::NAN } else { f64::from(at % 300) });
        let bins = Bins::by_quantiles(values);
        assert_eq!((bins.edges.len(), bins.counts.len(), bins.missing), (19, 20, 100));
        assert_eq!(bins.counts.iter().sum::<u64>(), 900);
        assert!(bins.counts.iter().all(|&count| (30..60).contains(&count)), "{:?}", bins.counts);
        assert_eq!(Bins::by_quantiles([4.0; 30].into_iter()).counts, [0, 30]);
        assert_eq!(Bins::by_quantiles(std::iter::empty()).counts, [0]);
    }
}
