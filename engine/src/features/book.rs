//! What stands at the touch, and how it moves.
//!
//! | feature | formula | unit | window | has a value when |
//! |---|---|---|---|---|
//! | `obi` | `(q_b - q_a) / (q_b + q_a)` | share, -1..1 | now | quantities, or their ratio, are known |
//! | `aobi30` | time-weighted mean of `abs(obi)` | share, 0..1 | 30 s | known for 80 % of it |
//! | `micro_bp` | `1e4 (micro - mid) / mid / max(spread_bp, 1e-9)` | spreads, -0.5..0.5 | now | as `obi`, and quotes |
//! | `ofi10n` | order flow of 10 s / mean depth of 300 s | depths | 10, 300 s | quantities known, 80 % of 10 s |
//! | `aofi60n` | `abs(order flow of 60 s) / mean depth of 300 s` | depths | 60, 300 s | likewise, 80 % of 60 s |
//! | `depth_ratio` | `L(depth now / mean depth of 300 s)` | log ratio | 300 s | quantities known for half of it |
//!
//! `micro = (q_b ask + q_a bid) / (q_b + q_a)`, so `micro - mid = obi (ask - bid) / 2`: at a positive spread the
//! feature is half of `obi`, at a locked book it is 0. `depth = q_b + q_a`. Cost: one logarithm, five divisions.
//! Sources: Cont, Kukanov and Stoikov (2014, eq. 2 and 4) for the order flow, divided by depth as in their eq. 10;
//! Stoikov (2018) for the micro-price.
//!
//! Example: 3 at the bid and 1 at the ask give `obi = 0.5`, `micro_bp = 0.25`.

use super::{FeatureSpec, Logarithms, View, floored, known_if, ratio, store};
use crate::window::{Window, to_f64};

const fn spec(name: &'static str, unit: &'static str, meaning: &'static str) -> FeatureSpec {
    FeatureSpec { name, version: 1, unit, meaning }
}

pub(super) const SPECS: [FeatureSpec; 6] = [
    spec("obi", "share", "Imbalance of the quantities at the touch."),
    spec("aobi30", "share", "Time-weighted mean of its absolute value over 30 s."),
    spec("micro_bp", "spreads", "Distance of the micro-price from the mid, in spreads."),
    spec("ofi10n", "depths", "Order-flow imbalance of 10 s against the mean depth of 300 s."),
    spec("aofi60n", "depths", "Absolute order-flow imbalance of 60 s against the mean depth of 300 s."),
    spec("depth_ratio", "log ratio", "Quantity at the touch now against its mean of 300 s."),
];

pub(super) const LOGARITHMS: Logarithms = Logarithms { count: 1, arguments };

fn arguments(view: &View<'_>, logarithms: &mut [f64]) {
    let depth_now = view.quote.and_then(|q| q.depth()).map_or(f64::NAN, |units| units as f64);
    logarithms[0] = floored(ratio(depth_now, view.mean_depth_300()));
}

pub(super) fn compute(view: &View<'_>, logarithms: &[f64], row: &mut [f32]) {
    let quote = view.quote;
    let imbalance = quote.and_then(|q| q.imbalance_ppb).map_or(f64::NAN, |ppb| ppb as f64 * 1e-9);
    let spread_bp = quote.and_then(|q| q.spread_ppb()).map_or(f64::NAN, |ppb| ppb as f64 * 1e-5);
    let depth_300 = view.mean_depth_300();
    let order_flow = |window: Window| {
        let total = view.seconds.sums(window).order_flow + view.open.bucket.order_flow;
        known_if(view.coverage(window) >= 0.8, ratio(to_f64(total), depth_300))
    };
    store(
        row,
        [
            imbalance,
            view.mean_imbalance_30(),
            imbalance * spread_bp * 0.5 / spread_bp.max(1e-9),
            order_flow(Window::S10),
            order_flow(Window::S60).abs(),
            logarithms[0],
        ],
    );
}
