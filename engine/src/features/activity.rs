//! Rates of trades, quote changes and traded quantity.
//!
//! `N_w`, `V_w`: trades and traded quantity in the window and the open part, over the valid time `T_w`. Every tick
//! but one that only changes the quote is a trade: the feeds send one a match. Cost: five logarithms. Source: trade arrivals lead volatility, Engle and
//! Russell (1998); quote intensity, Han and others (2021).
//!
//! Example: 30 trades in 10 s after a rate of one a second give `ntr10_300 = ln(3.01 / 1.07) = 1.03`.

use super::{FeatureSpec, Logarithms, View, floored, known_if, ratio, store};
use crate::window::Window;

/// Keeps the ratio of rates defined where nothing traded, trades per second.
const RATE_FLOOR: f64 = 0.01;

pub(super) const SPECS: [FeatureSpec; 5] = [
    FeatureSpec {
        name: "qupd_ratio",
        version: 1,
        unit: "log ratio",
        range: "-6.9 to about 4",
        window: "10 and 300 s",
        formula: "L((Q10 / T10) / (Q300 / T300)), Q_w the changes of the best prices or their quantities",
        defined_when: "80 % of 10 s and 50 % of 300 s are covered, and the quote changed in 300 s",
        meaning: "Rate of quote changes in 10 s against 300 s.",
    },
    FeatureSpec {
        name: "ntr10_300",
        version: 1,
        unit: "log ratio",
        range: "-6.9 to about 4",
        window: "10 and 300 s",
        formula: "L((N10 / T10 + 0.01) / (N300 / T300 + 0.01))",
        defined_when: "80 % of 10 s and of 300 s is covered",
        meaning: "Rate of trades in 10 s against 300 s.",
    },
    FeatureSpec {
        name: "ntr60_1800",
        version: 1,
        unit: "log ratio",
        range: "-6.9 to about 4",
        window: "60 and 1,800 s",
        formula: "L((N60 / T60 + 0.01) / (N1800 / T1800 + 0.01))",
        defined_when: "80 % of 60 s and 50 % of 1,800 s are covered",
        meaning: "Rate of trades in 60 s against 1,800 s.",
    },
    FeatureSpec {
        name: "ntr60",
        version: 1,
        unit: "log count",
        range: "0 and above",
        window: "60 s",
        formula: "ln(1 + N60)",
        defined_when: "80 % of 60 s is covered",
        meaning: "Trades in 60 s.",
    },
    FeatureSpec {
        name: "vol10_300",
        version: 1,
        unit: "log ratio",
        range: "-6.9 to about 4",
        window: "10 and 300 s",
        formula: "L((V10 / T10) / (V300 / T300))",
        defined_when: "80 % of 10 s and of 300 s is covered, and trades with a size came in 300 s",
        meaning: "Rate of traded quantity in 10 s against 300 s.",
    },
];

pub(super) const LOGARITHMS: Logarithms = Logarithms { count: SPECS.len(), arguments };

fn arguments(view: &View<'_>, logarithms: &mut [f64]) {
    let changes = |window: Window| {
        let count = view.seconds.sums(window).quote_changes + i64::from(view.open.bucket.quote_changes);
        ratio(count as f64, view.time_s(window))
    };
    let slots = view.slots;
    let trades_1800 = (slots.trades + slots.open.trades + i64::from(view.open.bucket.trades)) as f64;
    let rate_1800 = ratio(trades_1800, view.time_1800_s());
    let volume = |window: Window| ratio(view.volume(window), view.time_s(window));
    let against = |fast: f64, slow: f64| floored((fast + RATE_FLOOR) / (slow + RATE_FLOOR));
    logarithms.copy_from_slice(&[
        floored(ratio(changes(Window::S10), changes(Window::S300))),
        against(view.trade_rate(Window::S10), view.trade_rate(Window::S300)),
        against(view.trade_rate(Window::S60), rate_1800),
        1.0 + view.trades(Window::S60),
        floored(ratio(volume(Window::S10), volume(Window::S300))),
    ]);
}

pub(super) fn compute(view: &View<'_>, logarithms: &[f64], row: &mut [f32]) {
    let covered = |window: Window| view.coverage(window) >= 0.8;
    let both = covered(Window::S10) && covered(Window::S300);
    store(
        row,
        [
            known_if(covered(Window::S10) && view.coverage(Window::S300) >= 0.5, logarithms[0]),
            known_if(both, logarithms[1]),
            known_if(covered(Window::S60) && view.coverage_1800() >= 0.5, logarithms[2]),
            known_if(covered(Window::S60), logarithms[3]),
            known_if(both, logarithms[4]),
        ],
    );
}
