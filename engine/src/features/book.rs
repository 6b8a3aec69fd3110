//! Quantities at the best bid and ask, and their changes.
//!
//! `micro = (q_b ask + q_a bid) / (q_b + q_a)`, so `micro - mid = obi (ask - bid) / 2`: at a positive spread the
//! feature is half of `obi`, at a locked book it is 0. `depth = q_b + q_a`. Cost: one logarithm, five divisions.
//! Sources: Cont, Kukanov and Stoikov (2014, eq. 2 and 4) for the order flow, divided by depth as in their eq. 10;
//! Stoikov (2018) for the micro-price.
//!
//! Example: 3 at the bid and 1 at the ask give `obi = 0.5`, `micro_bp = 0.25`.

use super::{FeatureSpec, Logarithms, View, floored, known_if, ratio, store};
use crate::window::{Window, to_f64};

pub(super) const SPECS: [FeatureSpec; 6] = [
    FeatureSpec {
        name: "obi",
        version: 1,
        unit: "share",
        range: "-1 to 1",
        window: "now",
        formula: "(q_b - q_a) / (q_b + q_a)",
        defined_when: "the quantities at the touch, or their ratio, are known",
        meaning: "Imbalance of the quantities at the touch.",
    },
    FeatureSpec {
        name: "aobi30",
        version: 1,
        unit: "share",
        range: "0 to 1",
        window: "30 s",
        formula: "time-weighted mean of |obi|",
        defined_when: "obi was known for 80 % of 30 s",
        meaning: "Time-weighted mean of its absolute value over 30 s.",
    },
    FeatureSpec {
        name: "micro_bp",
        version: 1,
        unit: "spreads",
        range: "-0.5 to 0.5",
        window: "now",
        formula: "1e4 (micro - mid) / mid / max(spread_bp, 1e-9), micro = (q_b ask + q_a bid) / (q_b + q_a): half of obi, and 0 at a locked book",
        defined_when: "obi is known and the quote is not crossed",
        meaning: "Distance of the micro-price from the mid, in spreads.",
    },
    FeatureSpec {
        name: "ofi10n",
        version: 1,
        unit: "depths",
        range: "about -50 to 50",
        window: "10 and 300 s",
        formula: "sum of e over 10 s / time-weighted mean depth of 300 s",
        defined_when: "80 % of 10 s is covered and the quantities at the touch were known for 50 % of 300 s",
        meaning: "Order-flow imbalance of 10 s against the mean depth of 300 s.",
    },
    FeatureSpec {
        name: "aofi60n",
        version: 1,
        unit: "depths",
        range: "0 and above",
        window: "60 and 300 s",
        formula: "|sum of e over 60 s| / time-weighted mean depth of 300 s",
        defined_when: "80 % of 60 s is covered and the quantities at the touch were known for 50 % of 300 s",
        meaning: "Absolute order-flow imbalance of 60 s against the mean depth of 300 s.",
    },
    FeatureSpec {
        name: "depth_ratio",
        version: 1,
        unit: "log ratio",
        range: "-6.9 to about 5",
        window: "now and 300 s",
        formula: "L(depth now / time-weighted mean depth of 300 s)",
        defined_when: "the quantities at the touch are known now and were for 50 % of 300 s",
        meaning: "Quantity at the touch now against its mean of 300 s.",
    },
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
