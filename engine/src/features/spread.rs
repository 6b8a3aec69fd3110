//! What it costs to trade at once.
//!
//! | feature | formula | unit | window | has a value when |
//! |---|---|---|---|---|
//! | `spr_bp60` | time-weighted mean of `1e4 (ask - bid) / mid` | basis points | 60 s | quotes for 80 % of it |
//! | `spr_ratio` | spread now / time-weighted mean of 300 s | ratio | 300 s | quotes for 50 % of it |
//! | `spr_max_ratio` | widest of 60 s / time-weighted mean of 300 s | ratio | both | quotes for 50 % of 300 s |
//!
//! A crossed book has no spread. Cost: three divisions. Source: quoted spread as in Huang and Stoll (1996).
//!
//! Example: 100.00 / 100.02 standing for a minute gives `spr_bp60 = 2.0`.

use super::{FeatureSpec, View, ratio, store};
use crate::window::Window;

const fn spec(name: &'static str, unit: &'static str, meaning: &'static str) -> FeatureSpec {
    FeatureSpec { name, version: 1, unit, meaning }
}

pub(super) const SPECS: [FeatureSpec; 3] = [
    spec("spr_bp60", "basis points", "Time-weighted mean spread of 60 s."),
    spec("spr_ratio", "ratio", "Spread now against its mean of 300 s."),
    spec("spr_max_ratio", "ratio", "Widest spread of 60 s against the mean of 300 s."),
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
