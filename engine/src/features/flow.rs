//! Trade flow: the imbalance of buying and selling.
//!
//! Taker sides come from the feed, else by the quote rule, else by the tick rule (Lee and Ready, 1991). Cost: five
//! divisions, one square root. Sources: Easley, Lopez de Prado and O'Hara (2012) for VPIN, here by time slices;
//! Kyle (1985) for the price impact: `cov(r, v)/var(v) sd(v)/sd(r)` is the correlation, which has no scale.
//!
//! Example: 3 bought and 1 sold in 10 s give `tfi10 = 0.5`.

use super::{FeatureSpec, View, known_if, ratio, store};
use crate::window::{Window, to_f64};

const TRADES_MIN: i64 = 30;

pub(super) const SPECS: [FeatureSpec; 5] = [
    FeatureSpec {
        name: "tfi10",
        version: 1,
        unit: "share",
        range: "-1 to 1",
        window: "10 s",
        formula: "S10 / V10",
        defined_when: "trades with a size came in 10 s",
        meaning: "Trade-flow imbalance of 10 s.",
    },
    FeatureSpec {
        name: "atfi60",
        version: 1,
        unit: "share",
        range: "0 to 1",
        window: "60 s",
        formula: "|S60| / V60",
        defined_when: "trades with a size came in 60 s",
        meaning: "Absolute trade-flow imbalance of 60 s.",
    },
    FeatureSpec {
        name: "vpin300",
        version: 1,
        unit: "share",
        range: "0 to 1",
        window: "30 closed slices of 10 s and the open one",
        formula: "sum over the slices of |S| / sum of V",
        defined_when: "trades with a size came in them",
        meaning: "Volume-synchronised imbalance over 300 s, in slices of 10 s.",
    },
    FeatureSpec {
        name: "kyle300n",
        version: 1,
        unit: "share",
        range: "-1 to 1",
        window: "300 closed s",
        formula: "correlation of the one-second returns r and signed quantities S of the valid seconds",
        defined_when: "at least 30 trades came, 150 seconds are valid, and both vary",
        meaning: "Correlation of returns and signed volume over 300 s.",
    },
    FeatureSpec {
        name: "big60",
        version: 1,
        unit: "share",
        range: "0 to 1",
        window: "60 s",
        formula: "quantity in trades of at least the symbol's 99th percentile of size / V60",
        defined_when: "the symbol has shown a thousand sizes, and trades with a size came in 60 s",
        meaning: "Share of the 60-s volume in the symbol's largest trades.",
    },
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
