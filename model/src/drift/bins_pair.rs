//! Compares current values with the bins that a model file holds of the training data.

use super::{
    method::{self, Method},
    reference::Bins,
    shares::Frequencies,
};

/// Reference counts, and the counts of current values in the same bins.
#[derive(Clone, Debug, PartialEq)]
pub struct BinsPair<'a> {
    reference: &'a Bins,
    current: Bins,
}

impl<'a> BinsPair<'a> {
    /// The methods that need bin counts only.
    pub const METHODS: [&'static Method; 2] = [&method::PSI, &method::JENSEN_SHANNON];

    /// Counts values into the reference's bins.
    pub fn new(reference: &'a Bins, values: impl IntoIterator<Item = f64>) -> Self {
        let mut current = reference.emptied();
        values.into_iter().for_each(|value| current.add(value));
        Self { reference, current }
    }

    /// Counts of the training data.
    pub fn reference(&self) -> &Bins {
        self.reference
    }

    /// The current counts, with the same edges.
    pub fn current(&self) -> &Bins {
        &self.current
    }

    /// Number of values of both sides, missing ones left out.
    pub fn lengths(&self) -> (usize, usize) {
        let total = |bins: &Bins| bins.counts.iter().sum::<u64>() as usize;
        (total(self.reference), total(&self.current))
    }

    /// Counts of both sides for each bin, missing values left out.
    pub fn frequencies(&self) -> Frequencies {
        Frequencies { reference: self.reference.counts.clone(), current: self.current.counts.clone() }
    }

    /// The score by `method`; `None` unless it is one of [`BinsPair::METHODS`], the only ones that need no single
    /// values.
    pub fn score(&self, method: &Method) -> Option<f64> {
        let shares = self.frequencies().shares();
        match method.name {
            "psi" => Some(method::psi(&shares.filled())),
            "jensenshannon" => Some(method::jensen_shannon(&shares)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_values_have_no_distance_and_others_have() {
        let reference = Bins::by_quantiles((0..1_000).map(f64::from));
        let same = BinsPair::new(&reference, (0..1_000).map(f64::from));
        assert!(BinsPair::METHODS.iter().all(|method| same.score(method).unwrap().abs() < 1e-12));
        let moved = BinsPair::new(&reference, (0..1_000).map(|at| f64::from(at) + 300.0).chain([f64::NAN]));
        assert_eq!((moved.lengths(), moved.current().missing), ((1_000, 1_000), 1));
        assert!(moved.score(&method::PSI).unwrap() > 1.0);
        assert_eq!(moved.score(&method::KOLMOGOROV_SMIRNOV), None);
    }
}
