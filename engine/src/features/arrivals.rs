//! Whether orders come in a burst.
//!
//! | feature | formula | unit | has a value when |
//! |---|---|---|---|
//! | `hk2_200`, `hk20_200` | `ln(S_T / T + .01) - ln(S_200 / 200 + .01)`, `T` = 2, 20 s | log ratio | 200 of 300 s are valid |
//! | `since` | `ln(1 + seconds since the newest trade)` | log seconds | a trade was seen |
//!
//! `S_T <- S_T exp(-dt / T) + 1` at each order; prints of one instant and side are one order, so `S_T / T` is a rate
//! per second. On a tick's own row `since` is 0; grid rows see the silence. Cost: four logarithms; three exponentials
//! on grid rows. Source: Hawkes (1971, eq. 2) with fixed exponential kernels; near-critical branching on BTCUSDT is
//! reported in arXiv 2510.08085.
//!
//! Example: after a steady rate, both ratios are 0; a doubled rate lasting ten seconds lifts `hk2_200` to about 0.6.

use super::{FeatureSpec, Logarithms, View, known_if, store};
use crate::{decay::ARRIVAL_TIMES_S, window::Window};

const RATE_FLOOR: f64 = 0.01;
const VALID_MIN_S: i64 = 200;

const fn spec(name: &'static str, unit: &'static str, meaning: &'static str) -> FeatureSpec {
    FeatureSpec { name, version: 1, unit, meaning }
}

pub(super) const SPECS: [FeatureSpec; 3] = [
    spec("hk2_200", "log ratio", "Order rate fading over 2 s against 200 s."),
    spec("hk20_200", "log ratio", "Order rate fading over 20 s against 200 s."),
    spec("since", "log seconds", "Time since the newest trade."),
];

pub(super) const LOGARITHMS: Logarithms = Logarithms { count: 4, arguments };

fn arguments(view: &View<'_>, logarithms: &mut [f64]) {
    for (i, logarithm) in logarithms[..3].iter_mut().enumerate() {
        *logarithm = view.arrivals[i] / ARRIVAL_TIMES_S[i] + RATE_FLOOR;
    }
    logarithms[3] = 1.0 + view.since_trade_s;
}

pub(super) fn compute(view: &View<'_>, logarithms: &[f64], row: &mut [f32]) {
    let (fast, middle, slow, since) = (logarithms[0], logarithms[1], logarithms[2], logarithms[3]);
    let known = view.seconds.sums(Window::S300).valid_seconds >= VALID_MIN_S;
    store(row, [known_if(known, fast - slow), known_if(known, middle - slow), since]);
}
