//! The second opinion on a column: the size and direction of a shift, and its p-value for the effective number of rows.

use super::{
    kolmogorov,
    method::{chi_square_survival, greatest_gap, superiority},
    sample::Pair,
    shares::{Frequencies, Shares},
};

/// An absolute Cliff's delta below this is negligible (Romano and others 2006).
const NEGLIGIBLE: f64 = 0.147;
/// Ratio of the interquartile ranges at which the spread counts as changed.
const WIDER: f64 = 1.25;

/// The size of a shift. Unlike a p-value it does not depend on the number of rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EffectSize {
    /// Cliff's delta: the probability that a current value is above a reference value, minus the probability that it is
    /// below; -1 to 1.
    CliffsDelta(f64),
    /// Total variation, for columns of words: half the sum of the shares' absolute differences, 0 to 1.
    TotalVariation(f64),
}

/// The direction in which a column's values moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Current values tend to be greater.
    Higher,
    /// Current values tend to be smaller.
    Lower,
    /// Values have the same middle and spread further apart.
    Wider,
    /// Values have the same middle and lie closer together.
    Narrower,
    /// Values neither moved nor changed their spread.
    Alike,
    /// The column holds words, which have no order.
    None,
}

/// The second opinion on a column: effect, direction, effective rows and a p-value for those.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Opinion {
    /// The size of the shift.
    pub effect: EffectSize,
    /// The greatest gap between both distribution functions; for words the total variation.
    pub gap: f64,
    /// The shift of the mean in standard deviations of the reference; `None` for words and a constant reference.
    pub mean_shift: Option<f64>,
    /// The direction of the shift.
    pub direction: Direction,
    /// Effective (independent) rows of the reference and of the current side.
    pub effective_rows: (f64, f64),
    /// The probability that this many independent rows of one distribution differ at least as much; 0 to 1.
    pub p_value: f64,
}

impl EffectSize {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::CliffsDelta(_) => "cliffs_delta",
            Self::TotalVariation(_) => "total_variation",
        }
    }

    /// The size as a number, 0 for no shift.
    pub fn value(self) -> f64 {
        let (Self::CliffsDelta(value) | Self::TotalVariation(value)) = self;
        value
    }
}

impl Direction {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::Wider => "wider",
            Self::Narrower => "narrower",
            Self::Alike => "alike",
            Self::None => "-",
        }
    }

    /// The direction by Cliff's delta, or if that is negligible by the interquartile ranges.
    fn of(delta: f64, widths: (f64, f64)) -> Self {
        match delta {
            delta if delta >= NEGLIGIBLE => Self::Higher,
            delta if delta <= -NEGLIGIBLE => Self::Lower,
            _ if widths.1 > widths.0 * WIDER => Self::Wider,
            _ if widths.1 * WIDER < widths.0 => Self::Narrower,
            _ => Self::Alike,
        }
    }
}

impl Opinion {
    /// The opinion on a column that has values on both sides. `effective_rows` is the number of independent rows of
    /// each side, as from [`effective_rows`](super::effective_rows).
    pub fn of(pair: &Pair, effective_rows: (f64, f64)) -> Self {
        match pair {
            Pair::Numbers { reference, current, .. } => {
                let gap = greatest_gap(reference, current);
                let delta = 2.0 * superiority(reference, current) - 1.0;
                let width = |side: &super::Numbers| side.quantile(0.75) - side.quantile(0.25);
                let deviation = reference.variance().sqrt();
                let mean_shift = (current.mean() - reference.mean()) / deviation;
                Self {
                    effect: EffectSize::CliffsDelta(delta),
                    gap,
                    mean_shift: Some(mean_shift).filter(|_| deviation > 0.0),
                    direction: Direction::of(delta, (width(reference), width(current))),
                    effective_rows,
                    p_value: kolmogorov::survival(harmonic(effective_rows), gap),
                }
            }
            Pair::Words { .. } => {
                let shares = Frequencies::by_value(pair).shares();
                let distance = total_variation(&shares);
                Self {
                    effect: EffectSize::TotalVariation(distance),
                    gap: distance,
                    mean_shift: None,
                    direction: Direction::None,
                    effective_rows,
                    p_value: homogeneity(&shares, effective_rows),
                }
            }
        }
    }

    /// The opinion on ordered bins, for which only counts are known: ties within a bin count half, and there is no
    /// mean.
    pub fn of_bins(frequencies: &Frequencies, effective_rows: (f64, f64)) -> Self {
        let shares = frequencies.shares();
        let (mut below, mut wins, mut gap, mut seen) = (0.0, 0.0, 0.0_f64, 0.0);
        for (reference, current) in shares.pairs() {
            wins += current * (below + reference / 2.0);
            below += reference;
            seen += current;
            gap = gap.max((below - seen).abs());
        }
        let delta = 2.0 * wins - 1.0;
        Self {
            effect: EffectSize::CliffsDelta(delta),
            gap,
            mean_shift: None,
            direction: Direction::of(delta, (1.0, 1.0)),
            effective_rows,
            p_value: homogeneity(&shares, effective_rows),
        }
    }
}

/// The size of one sample against a known distribution that is worth as much as these two samples against each other.
fn harmonic((one, other): (f64, f64)) -> u64 {
    (one * other / (one + other)).round().max(1.0) as u64
}

fn total_variation(shares: &Shares) -> f64 {
    shares.pairs().map(|(one, other)| (one - other).abs()).sum::<f64>() / 2.0
}

/// Pearson's test that both sides have the same shares, with effective rows in place of all rows (Rao and Scott 1981).
fn homogeneity(shares: &Shares, (one, other): (f64, f64)) -> f64 {
    let (mut statistic, mut values) = (0.0, 0);
    for (reference, current) in shares.pairs() {
        let expected = one * reference + other * current;
        if expected > 0.0 {
            statistic += one * other * (reference - current).powi(2) / expected;
            values += 1;
        }
    }
    if values < 2 { 1.0 } else { chi_square_survival(statistic, values - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::{Kind, Numbers, Words};

    fn numbers(of: impl Fn(f64) -> f64) -> Pair {
        let side = |of: &dyn Fn(f64) -> f64| Numbers::new((0..1_000).map(|at| of(f64::from(at))), false);
        Pair::Numbers { kind: Kind::Numerical, reference: side(&|at| at), current: side(&of) }
    }

    #[test]
    fn it_says_where_values_went_and_how_far() {
        let rows = (1_000.0, 1_000.0);
        let higher = Opinion::of(&numbers(|at| at + 200.0), rows);
        assert_eq!(higher.direction, Direction::Higher);
        assert!((higher.gap - 0.2).abs() < 1e-12 && (higher.effect.value() - 0.36).abs() < 1e-2);
        assert!((higher.mean_shift.unwrap() - 200.0 / 288.67).abs() < 1e-3);
        assert_eq!(Opinion::of(&numbers(|at| at - 200.0), rows).direction, Direction::Lower);
        assert_eq!(Opinion::of(&numbers(|at| 2.0 * at - 500.0), rows).direction, Direction::Wider);
        assert_eq!(Opinion::of(&numbers(|at| at / 2.0 + 250.0), rows).direction, Direction::Narrower);
        assert_eq!(Opinion::of(&numbers(|at| at), rows).direction, Direction::Alike);
    }

    #[test]
    fn rows_that_do_not_count_prove_nothing() {
        let pair = numbers(|at| at + 60.0);
        assert!(Opinion::of(&pair, (1_000.0, 1_000.0)).p_value < 0.06);
        assert!(Opinion::of(&pair, (20.0, 20.0)).p_value > 0.99);
        let words = |sell: u64| Words::new([("buy".to_owned(), 500), ("sell".to_owned(), sell)]);
        let pair = Pair::Words { reference: words(500), current: words(620) };
        assert!(Opinion::of(&pair, (1_000.0, 1_120.0)).p_value < 0.02);
        assert!(Opinion::of(&pair, (30.0, 30.0)).p_value > 0.5);
    }

    #[test]
    fn bins_in_order_say_nearly_what_their_values_say() {
        let pair = numbers(|at| at + 200.0);
        let exact = Opinion::of(&pair, (1_000.0, 1_000.0));
        let binned = Opinion::of_bins(&Frequencies::of(&pair), (1_000.0, 1_000.0));
        assert!((binned.effect.value() - exact.effect.value()).abs() < 0.02);
        assert_eq!(binned.direction, Direction::Higher);
        assert!(binned.p_value < 1e-6);
    }
}
