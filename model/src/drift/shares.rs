//! Shares of bins or of distinct values of a column, computed as Evidently does.

use super::sample::{Kind, Numbers, Pair, Tie};

/// A reference with more distinct values than this is binned.
const VALUES_MAX: usize = 20;

/// Counts of each distinct value, or of each bin, on either side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frequencies {
    /// Counts in the reference.
    pub reference: Vec<u64>,
    /// Counts on the current side, in the same order.
    pub current: Vec<u64>,
}

/// Shares of all values of a side, in the order of values or bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    /// Shares in the reference, 0 to 1, in the order of the values or bins.
    pub reference: Vec<f64>,
    /// Shares on the current side, in the same order.
    pub current: Vec<f64>,
}

impl Frequencies {
    /// Counts of each distinct value of either side, in ascending order.
    pub fn by_value(pair: &Pair) -> Self {
        let mut frequencies = Self::default();
        let mut push = |reference: u64, current: u64| {
            frequencies.reference.push(reference);
            frequencies.current.push(current);
        };
        match pair {
            Pair::Numbers { reference, current, .. } => {
                Tie::all(reference, current).for_each(|tie| push(tie.reference as u64, tie.current as u64));
            }
            Pair::Words { reference, current } => {
                let new = current.counts().keys().filter(|word| !reference.counts().contains_key(*word));
                let mut words: Vec<&String> = reference.counts().keys().chain(new).collect();
                words.sort_unstable();
                let of = |words: &super::Words, word| words.counts().get(word).copied().unwrap_or(0);
                words.into_iter().for_each(|word| push(of(reference, word), of(current, word)));
            }
        }
        frequencies
    }

    /// The counts that Evidently compares: of bins if a numerical column has more than 20 distinct values in its
    /// reference, otherwise of values. The bins are numpy's by Sturges' rule, over both sides.
    pub fn of(pair: &Pair) -> Self {
        match pair {
            Pair::Numbers { kind: Kind::Numerical, reference, current }
                if reference.distinct(VALUES_MAX + 1) > VALUES_MAX =>
            {
                let edges = sturges_edges(reference, current, reference.len() + current.len());
                Self { reference: counts(reference, &edges), current: counts(current, &edges) }
            }
            _ => Self::by_value(pair),
        }
    }

    /// The counts divided by the number of values of each side.
    pub fn shares(&self) -> Shares {
        let of = |counts: &[u64]| {
            let total = counts.iter().sum::<u64>() as f64;
            counts.iter().map(|&count| count as f64 / total).collect()
        };
        Shares { reference: of(&self.reference), current: of(&self.current) }
    }
}

impl Shares {
    /// Replaces shares of 0 by a small number, so that their logarithm is finite: 0.0001, or a millionth of the side's
    /// smallest share if that is not above 0.0001. The other shares stay, so they add up to a little more than 1.
    pub fn filled(mut self) -> Self {
        for side in [&mut self.reference, &mut self.current] {
            let smallest = side.iter().copied().filter(|&share| share > 0.0).fold(f64::INFINITY, f64::min);
            let fill = if smallest <= 1e-4 { smallest / 1e6 } else { 1e-4 };
            side.iter_mut().filter(|share| **share == 0.0).for_each(|share| *share = fill);
        }
        self
    }

    /// Scales the shares of each side to add up to 1.
    pub fn normalised(mut self) -> Self {
        for side in [&mut self.reference, &mut self.current] {
            let total: f64 = side.iter().sum();
            side.iter_mut().for_each(|share| *share /= total);
        }
        self
    }

    /// The pair of shares of each bin: reference, current.
    pub fn pairs(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.reference.iter().copied().zip(self.current.iter().copied())
    }
}

/// Edges of equally wide bins over both sides; Sturges' rule for `count` values gives their number.
pub(super) fn sturges_edges(reference: &Numbers, current: &Numbers, count: usize) -> Vec<f64> {
    let ends = |of: fn(&[f64]) -> Option<&f64>| {
        [reference, current].into_iter().filter_map(move |side| of(side.sorted()).copied())
    };
    let mut low = ends(|sorted| sorted.first()).fold(f64::INFINITY, f64::min);
    let mut high = ends(|sorted| sorted.last()).fold(f64::NEG_INFINITY, f64::max);
    let mut width = (high - low) / ((count as f64).log2() + 1.0);
    if reference.whole() && current.whole() && width > 0.0 && width < 1.0 {
        width = 1.0;
    }
    let bins = if width > 0.0 { ((high - low) / width).ceil().max(1.0) as usize } else { 1 };
    if low == high {
        (low, high) = (low - 0.5, high + 0.5);
    }
    let step = (high - low) / bins as f64;
    (0..=bins).map(|edge| if edge == bins { high } else { edge as f64 * step + low }).collect()
}

/// The number of values in each bin, from its edge to below the next; the last bin includes its upper edge.
pub(super) fn counts(numbers: &Numbers, edges: &[f64]) -> Vec<u64> {
    let sorted = numbers.sorted();
    let below = |edge: usize| match edge + 1 == edges.len() {
        true => sorted.partition_point(|&value| value <= edges[edge]),
        false => sorted.partition_point(|&value| value < edges[edge]),
    };
    (1..edges.len()).map(|edge| (below(edge) - below(edge - 1)) as u64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_numpys() {
        // numpy.histogram_bin_edges(range(30), "sturges") has 6 bins for 30 values and two sides of 15.
        let (one, other) =
            (Numbers::new((0..15).map(f64::from), false), Numbers::new((15..30).map(f64::from), false));
        let edges = sturges_edges(&one, &other, 30);
        assert_eq!(edges.len(), 7);
        assert_eq!((edges[0], edges[6]), (0.0, 29.0));
        assert_eq!(counts(&other, &edges).iter().sum::<u64>(), 15);
        let same = Numbers::new([4.0; 3], true);
        assert_eq!(sturges_edges(&same, &same, 6), [3.5, 4.5]);
    }

    #[test]
    fn shares_of_nothing_are_filled_by_their_own_sides_smallest() {
        let shares = Frequencies { reference: vec![1, 0, 99_999], current: vec![5, 5, 0] }.shares().filled();
        assert_eq!(shares.reference[1], 1e-5 / 1e6);
        assert_eq!(shares.current[2], 1e-4);
    }
}
