//! How busy it is.
//!
//! | feature | formula | unit | has a value when |
//! |---|---|---|---|
//! | `qupd_ratio` | `L(quote changes/s of 10 s / of 300 s)` | log ratio | quotes changed, 80 % of 10 s, 50 % of 300 s |
//! | `ntr10_300` | `L((N10/T10 + .01) / (N300/T300 + .01))` | log ratio | 80 % of 10 s and of 300 s |
//! | `ntr60_1800` | the same of 60 and 1,800 s | log ratio | 80 % of 60 s, 50 % of 1,800 s |
//! | `ntr60` | `ln(1 + N60)` | log count | 80 % of 60 s |
//! | `vol10_300` | `L((V10/T10) / (V300/T300))` | log ratio | sizes are known, 80 % of both |
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

const fn spec(name: &'static str, unit: &'static str, meaning: &'static str) -> FeatureSpec {
    FeatureSpec { name, version: 1, unit, meaning }
}

pub(super) const SPECS: [FeatureSpec; 5] = [
    spec("qupd_ratio", "log ratio", "Rate of quote changes in 10 s against 300 s."),
    spec("ntr10_300", "log ratio", "Rate of trades in 10 s against 300 s."),
    spec("ntr60_1800", "log ratio", "Rate of trades in 60 s against 1,800 s."),
    spec("ntr60", "log count", "Trades in 60 s."),
    spec("vol10_300", "log ratio", "Rate of traded quantity in 10 s against 300 s."),
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
