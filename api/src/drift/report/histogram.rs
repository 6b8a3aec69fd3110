//! The histogram of a column on both sides.

use model::drift::{BinsPair, Numbers, Words};

/// Bars of numbers.
const BARS: usize = 24;
/// Bars of words; less frequent words have none.
const WORDS_MAX: usize = 12;

/// Shares of both sides' values, in bars.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Histogram {
    /// Lower end of the first bar, or the first word.
    pub first: String,
    /// Upper end of the last bar, or the last word.
    pub last: String,
    /// Share of the reference and of the current side in each bar.
    pub bars: Vec<(f64, f64)>,
}

impl Histogram {
    /// Bars of equal width, from the lower of both sides' 1st percentiles to the higher of their 99th; values beyond
    /// are in the bars at the ends.
    pub(crate) fn from_numbers(reference: &Numbers, current: &Numbers) -> Self {
        let sides = [reference, current].into_iter().filter(|side| !side.is_empty());
        let low = sides.clone().map(|side| side.quantile(0.01)).fold(f64::INFINITY, f64::min);
        let high = sides.map(|side| side.quantile(0.99)).fold(f64::NEG_INFINITY, f64::max);
        if low >= high {
            let bars = if low == high { vec![(1.0, 1.0)] } else { Vec::new() };
            return Self { first: digits(low), last: digits(high), bars };
        }
        let edge = |bar: usize| low + (high - low) * bar as f64 / BARS as f64;
        let share = |side: &Numbers, bar: usize| {
            let below = |bar: usize| match bar {
                0 => 0,
                BARS => side.len(),
                bar => side.sorted().partition_point(|&value| value < edge(bar)),
            };
            (below(bar + 1) - below(bar)) as f64 / side.len().max(1) as f64
        };
        Self {
            first: digits(low),
            last: digits(high),
            bars: (0..BARS).map(|bar| (share(reference, bar), share(current, bar))).collect(),
        }
    }

    /// A bar for each of the words that are most frequent on both sides together, in alphabetical order.
    pub(crate) fn from_words(reference: &Words, current: &Words) -> Self {
        let share = |side: &Words, word: &str| {
            side.counts().get(word).copied().unwrap_or(0) as f64 / side.total().max(1) as f64
        };
        let mut words: Vec<&String> = reference.counts().keys().chain(current.counts().keys()).collect();
        words.sort_unstable();
        words.dedup();
        words.sort_by(|one, other| {
            let both = |word: &str| share(reference, word) + share(current, word);
            both(other).total_cmp(&both(one))
        });
        words.truncate(WORDS_MAX);
        words.sort_unstable();
        Self {
            first: words.first().map(|word| (*word).clone()).unwrap_or_default(),
            last: words.last().map(|word| (*word).clone()).unwrap_or_default(),
            bars: words.iter().map(|word| (share(reference, word), share(current, word))).collect(),
        }
    }

    /// A bar for each of the model's bins, all drawn with the same width.
    pub(crate) fn from_bins(pair: &BinsPair<'_>) -> Self {
        let shares = pair.frequencies().shares();
        let edges = &pair.reference().edges;
        let finite = |share: f64| if share.is_finite() { share } else { 0.0 };
        Self {
            first: edges.first().map_or_else(String::new, |edge| format!("below {}", digits(*edge))),
            last: edges.last().map_or_else(String::new, |edge| format!("from {}", digits(*edge))),
            bars: shares.pairs().map(|(one, other)| (finite(one), finite(other))).collect(),
        }
    }
}

/// Writes a number with four significant digits.
pub(super) fn digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..7.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.*}", (3.0 - magnitude).max(0.0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
