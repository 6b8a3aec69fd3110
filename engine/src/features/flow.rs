//! Who is pushing: the imbalance of buying and selling.
//!
//! | feature | formula | unit | window | has a value when |
//! |---|---|---|---|---|
//! | `tfi10` | signed volume / volume | share, -1..1 | 10 s | sizes are known, something traded |
//! | `atfi60` | `abs(signed volume) / volume` | share, 0..1 | 60 s | likewise |
//! | `vpin300` | sum over 10-s slices of `abs(signed volume)` / volume | share, 0..1 | 30 closed slices and the open one | likewise |
//! | `kyle300n` | correlation of one-second returns and signed volumes | -1..1 | 300 closed s | at least 30 trades, both vary |
//! | `big60` | volume in trades of at least the symbol's 99th percentile / volume | share, 0..1 | 60 s | a thousand sizes are known |
//!
//! Taker sides come from the feed, else by the quote rule, else by the tick rule (Lee and Ready, 1991). Cost: five
//! divisions, one square root. Sources: Easley, Lopez de Prado and O'Hara (2012) for VPIN, here by time slices;
//! Kyle (1985) for the price impact: `cov(r, v)/var(v) sd(v)/sd(r)` is the correlation, which has no scale.
//!
//! Example: 3 bought and 1 sold in 10 s give `tfi10 = 0.5`.

use super::{FeatureSpec, View, known_if, ratio, store};
use crate::window::{Window, to_f64};

const TRADES_MIN: i64 = 30;

const fn spec(name: &'static str, meaning: &'static str) -> FeatureSpec {
    FeatureSpec { name, version: 1, unit: "share", meaning }
}

pub(super) const SPECS: [FeatureSpec; 5] = [
    spec("tfi10", "Trade-flow imbalance of 10 s."),
    spec("atfi60", "Absolute trade-flow imbalance of 60 s."),
    spec("vpin300", "Volume-synchronised imbalance over 300 s, in slices of 10 s."),
    spec("kyle300n", "Correlation of returns and signed volume over 300 s."),
    spec("big60", "Share of the 60-s volume in the symbol's largest trades."),
];

pub(super) fn compute(view: &View<'_>, _: &[f64], row: &mut [f32]) {
    let volume_60 = view.volume(Window::S60);
    let big = view.seconds.sums(Window::S60).big_volume + i128::from(view.open.bucket.big_volume);
    store(
        row,
        [
            ratio(view.signed_volume(Window::S10), view.volume(Window::S10)),
            ratio(view.signed_volume(Window::S60), volume_60).abs(),
            slice_imbalance(view),
            correlation(view),
            known_if(view.big_known, ratio(to_f64(big), volume_60)),
        ],
    );
}

fn slice_imbalance(view: &View<'_>) -> f64 {
    let (slots, open) = (view.slots, &view.open.bucket);
    let open_flow = slots.open.signed_volume + i128::from(open.signed_volume);
    let open_volume = slots.open.volume + i128::from(open.volume);
    ratio(to_f64(slots.absolute_flow_300 + open_flow.abs()), to_f64(slots.volume_300 + open_volume))
}

fn correlation(view: &View<'_>) -> f64 {
    let sums = view.seconds.sums(Window::S300);
    if sums.trades < TRADES_MIN || sums.valid_seconds < 150 {
        return f64::NAN;
    }
    let n = sums.valid_seconds as f64;
    let (r, v) = (sums.log_return as f64, to_f64(sums.flow));
    let covariance = n * to_f64(sums.flow_return) - r * v;
    let variance_r = n * to_f64(sums.squared_return) - r * r;
    let variance_v = n * to_f64(sums.flow_squared) - v * v;
    if variance_r > 0.0 && variance_v > 0.0 {
        covariance / (libm::sqrt(variance_r) * libm::sqrt(variance_v))
    } else {
        f64::NAN
    }
}
