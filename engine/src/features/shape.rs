//! The shape of the movement: a drift, a jump, a burst, a fall.
//!
//! `BV = (pi/2) (n/m) sum abs(r_i) abs(r_{i-1})` over the `m` neighbouring pairs of `n` bins. Cost: one logarithm,
//! two square roots; the extremes are monotonic queues. Sources: Parkinson (1980, eq. 4) for the range;
//! Barndorff-Nielsen and Shephard (2004, eq. 7) for bipower variation, on 5-second returns because quiet seconds
//! bias it down; Barndorff-Nielsen, Kinnebrock and Shephard (2010) for the semivariance.
//!
//! Example: one return of -30 bp in an otherwise still minute gives `burst60 = 1`, `semi60 = 1`.

use super::{FeatureSpec, Logarithms, View, floored, known_if, ratio, store};
use crate::window::{Window, to_f64};

const BINS_MOVED_MIN: i64 = 20;

pub(super) const SPECS: [FeatureSpec; 4] = [
    FeatureSpec {
        name: "park60",
        version: 1,
        unit: "log ratio",
        range: "-6.9 to about 3",
        window: "60 s",
        formula: "L(ln(H / L) / (sigma_60 sqrt(60))), H and L the highest and lowest mid",
        defined_when: "80 % of 60 s is covered and the price moved in it",
        meaning: "High-low range of 60 s against what its volatility explains.",
    },
    FeatureSpec {
        name: "jump300",
        version: 1,
        unit: "share",
        range: "0 to 1",
        window: "60 closed bins of 5 s",
        formula: "max(0, 1 - BV / RV), RV = sum r_i^2, BV = (pi / 2) (n / m) sum |r_i| |r_(i-1)| over the m neighbouring pairs of n bins",
        defined_when: "at least 20 of the bins moved",
        meaning: "Share of the 300-s variance that came by jumps.",
    },
    FeatureSpec {
        name: "burst60",
        version: 1,
        unit: "share",
        range: "0 to 1",
        window: "60 s",
        formula: "max |r| / sqrt(RV_60)",
        defined_when: "80 % of 60 s is covered and the price moved in it",
        meaning: "Largest one-second move against the volatility of 60 s.",
    },
    FeatureSpec {
        name: "semi60",
        version: 1,
        unit: "share",
        range: "0 to 1",
        window: "60 s",
        formula: "sum of r^2 where r < 0 / RV_60; 0.5 where nothing moved",
        defined_when: "80 % of 60 s is covered",
        meaning: "Share of the 60-s variance that fell.",
    },
];

pub(super) const LOGARITHMS: Logarithms = Logarithms { count: 1, arguments };

fn arguments(view: &View<'_>, logarithms: &mut [f64]) {
    let range = libm::sqrt(60.0) * view.sigma(Window::S60);
    logarithms[0] = floored(ratio(log_range(view), range));
}

pub(super) fn compute(view: &View<'_>, logarithms: &[f64], row: &mut [f32]) {
    let sums = view.seconds.sums(Window::S60);
    let open = &view.open.bucket;
    let open_square = i128::from(open.log_return) * i128::from(open.log_return);
    let open_down = if open.log_return < 0 { open_square } else { 0 };
    let variance = to_f64(sums.squared_return + open_square);
    let covered = view.coverage(Window::S60) >= 0.8;

    let semi = if variance > 0.0 { to_f64(sums.squared_return_down + open_down) / variance } else { 0.5 };
    store(
        row,
        [
            known_if(covered, logarithms[0]),
            jump_share(view),
            known_if(covered, ratio(largest_move(view), libm::sqrt(variance))),
            known_if(covered, semi),
        ],
    );
}

/// `ln(H / L)` over 60 s and the open part.
fn log_range(view: &View<'_>) -> f64 {
    let (mut high, mut low) = (view.extremes.high.max(), view.extremes.low_negated.max().map(|v| -v));
    if view.open.bucket.return_valid {
        high = Some(high.map_or(view.open.high, |h| h.max(view.open.high)));
        low = Some(low.map_or(view.open.low, |l| l.min(view.open.low)));
    }
    match (high, low) {
        (Some(high), Some(low)) => (high - low) as f64 * 1e-9,
        _ => f64::NAN,
    }
}

/// Largest absolute one-second log return, 1e-9.
fn largest_move(view: &View<'_>) -> f64 {
    view.extremes.absolute_return.max().unwrap_or(0).max(view.open.bucket.log_return.abs()) as f64
}

fn jump_share(view: &View<'_>) -> f64 {
    let bins = view.bins;
    if bins.nonzero < BINS_MOVED_MIN || bins.pairs == 0 {
        return f64::NAN;
    }
    let scale = std::f64::consts::FRAC_PI_2 * bins.count as f64 / bins.pairs as f64;
    let bipower = scale * to_f64(bins.products);
    (1.0 - ratio(bipower, to_f64(bins.squared_return))).max(0.0)
}
