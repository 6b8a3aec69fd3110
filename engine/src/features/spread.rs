//! The bid-ask spread: the cost of trading at once.
//!
//! A crossed book has no spread. Cost: three divisions. Source: quoted spread as in Huang and Stoll (1996).
//!
//! Example: 100.00 / 100.02 standing for a minute gives `spr_bp60 = 2.0`.

use super::{FeatureSpec, View, ratio, store};
use crate::window::Window;

pub(super) const SPECS: [FeatureSpec; 3] = [
    FeatureSpec {
        name: "spr_bp60",
        version: 1,
        unit: "basis points",
        range: "0 and above",
        window: "60 s",
        formula: "time-weighted mean of 1e4 (ask - bid) / mid",
        defined_when: "a quote that is not crossed stood for 80 % of 60 s",
        meaning: "Time-weighted mean spread of 60 s.",
    },
    FeatureSpec {
        name: "spr_ratio",
        version: 1,
        unit: "ratio",
        range: "0 and above",
        window: "now and 300 s",
        formula: "spread now / time-weighted mean spread of 300 s",
        defined_when: "the quote is not crossed now and was not for 50 % of 300 s, and the mean is above 0",
        meaning: "Spread now against its mean of 300 s.",
    },
    FeatureSpec {
        name: "spr_max_ratio",
        version: 1,
        unit: "ratio",
        range: "0 and above",
        window: "60 and 300 s",
        formula: "widest spread of 60 s / time-weighted mean spread of 300 s",
        defined_when: "a quote that is not crossed stood in 60 s and for 50 % of 300 s, and the mean is above 0",
        meaning: "Widest spread of 60 s against the mean of 300 s.",
    },
];

pub(super) fn compute(view: &View<'_>, _: &[f64], row: &mut [f32]) {
    let mean_300 = view.mean_spread_ppb(Window::S300, 0.5);
    let now = view.quote.and_then(|quote| quote.spread_ppb()).map_or(f64::NAN, |ppb| ppb as f64);
    let widest = match (view.extremes.spread.max(), view.open.spread_max) {
        (None, None) => f64::NAN,
        (closed, open) => closed.unwrap_or(i64::MIN).max(open.unwrap_or(i64::MIN)) as f64,
    };
    store(
        row,
        [view.mean_spread_ppb(Window::S60, 0.8) * 1e-5, ratio(now, mean_300), ratio(widest, mean_300)],
    );
}
