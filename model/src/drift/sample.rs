//! The values of one column on both sides.

use std::collections::BTreeMap;

/// Evidently's kind of a column: floats are numerical, words and flags categorical, whole numbers depend on how many
/// distinct ones there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Values have an order and distances.
    Numerical,
    /// Values are categories: only equality matters, not order.
    Categorical,
}

/// The finite values of one side.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    sorted: Vec<f64>,
    whole: bool,
}

impl Numbers {
    /// Sorts the values, leaving out missing and infinite ones. `whole`: the column's type is of whole numbers, so bins
    /// are at least 1 wide.
    pub fn new(values: impl IntoIterator<Item = f64>, whole: bool) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Self { sorted, whole }
    }

    /// The finite values in ascending order.
    pub fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    /// Whether the column's type is of whole numbers.
    pub fn whole(&self) -> bool {
        self.whole
    }

    /// Number of values, missing ones left out.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Mean of the values; NaN for none.
    pub fn mean(&self) -> f64 {
        self.sorted.iter().sum::<f64>() / self.len() as f64
    }

    /// Mean of the squared distances from the mean; NaN for none.
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        self.sorted.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / self.len() as f64
    }

    /// The value below which this share of values lies, interpolated between neighbours; NaN for none.
    pub fn quantile(&self, share: f64) -> f64 {
        quantile(&self.sorted, share)
    }

    /// Number of distinct values, counted up to `limit`.
    pub fn distinct(&self, limit: usize) -> usize {
        self.sorted.chunk_by(|one, other| one == other).take(limit).count()
    }
}

/// The quantile of ascending values, interpolated between neighbours.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len().max(1) - 1) as f64;
    let (below, part) = (place.floor() as usize, place.fract());
    match (sorted.get(below), sorted.get(below + 1)) {
        (Some(&low), Some(&high)) => low + (high - low) * part,
        (Some(&low), None) => low,
        _ => f64::NAN,
    }
}

/// The words of one side with their counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    counts: BTreeMap<String, u64>,
    total: u64,
}

impl Words {
    /// Words with their counts; the counts of a word that is given twice are added.
    pub fn new(counts: impl IntoIterator<Item = (String, u64)>) -> Self {
        let mut words = Self::default();
        for (word, count) in counts {
            *words.counts.entry(word).or_default() += count;
            words.total += count;
        }
        words
    }

    /// The count of each word, in alphabetical order.
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// The sum of all counts.
    pub fn total(&self) -> u64 {
        self.total
    }
}

/// One column on both sides, missing values left out.
#[derive(Clone, Debug, PartialEq)]
pub enum Pair {
    /// A column of numbers. Whole numbers with few distinct values are categorical.
    Numbers {
        /// Whether the column is numerical or categorical.
        kind: Kind,
        /// The reference side.
        reference: Numbers,
        /// The current side.
        current: Numbers,
    },
    /// A column of words, always categorical.
    Words {
        /// The reference side.
        reference: Words,
        /// The current side.
        current: Words,
    },
}

impl Pair {
    /// Whether the column is numerical or categorical.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Numbers { kind, .. } => *kind,
            Self::Words { .. } => Kind::Categorical,
        }
    }

    /// Number of values of the reference and of the current side.
    pub fn lengths(&self) -> (usize, usize) {
        match self {
            Self::Numbers { reference, current, .. } => (reference.len(), current.len()),
            Self::Words { reference, current } => (reference.total as usize, current.total as usize),
        }
    }

    /// Number of distinct values of both sides together, counted up to `limit`.
    pub fn distinct(&self, limit: usize) -> usize {
        match self {
            Self::Numbers { reference, current, .. } => Tie::all(reference, current).take(limit).count(),
            Self::Words { reference, current } => {
                let new = current.counts.keys().filter(|word| !reference.counts.contains_key(*word)).count();
                (reference.counts.len() + new).min(limit)
            }
        }
    }
}

/// A distinct value with its number of occurrences on either side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tie {
    /// The value.
    pub value: f64,
    /// Number of times it occurs in the reference.
    pub reference: usize,
    /// Number of times it occurs on the current side.
    pub current: usize,
}

impl Tie {
    /// The distinct values of both sides, ascending.
    pub fn all<'a>(reference: &'a Numbers, current: &'a Numbers) -> impl Iterator<Item = Self> + 'a {
        let (mut reference, mut current) = (reference.sorted(), current.sorted());
        std::iter::from_fn(move || {
            let value = match (reference.first(), current.first()) {
                (Some(&one), Some(&other)) => one.min(other),
                (Some(&one), None) => one,
                (None, Some(&other)) => other,
                (None, None) => return None,
            };
            let take = |side: &mut &'a [f64]| {
                let count = side.iter().take_while(|&&other| other == value).count();
                *side = &side[count..];
                count
            };
            Some(Self { value, reference: take(&mut reference), current: take(&mut current) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_leave_out_what_is_not_finite_and_ties_count_both_sides() {
        let reference = Numbers::new([2.0, f64::NAN, 1.0, 2.0, f64::INFINITY], false);
        let current = Numbers::new([3.0, 2.0, -0.0, 0.0], false);
        assert_eq!(reference.sorted(), [1.0, 2.0, 2.0]);
        let ties: Vec<_> =
            Tie::all(&reference, &current).map(|tie| (tie.value, tie.reference, tie.current)).collect();
        assert_eq!(ties, [(0.0, 0, 2), (1.0, 1, 0), (2.0, 2, 1), (3.0, 0, 1)]);
        assert_eq!((reference.quantile(0.25), reference.quantile(1.0)), (1.5, 2.0));
        assert_eq!(reference.distinct(9), 2);
        assert!(Numbers::new([], false).quantile(0.5).is_nan());
    }
}
