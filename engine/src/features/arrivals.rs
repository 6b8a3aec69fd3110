//! Arrivals of orders: whether they come in a burst.
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

pub(super) const SPECS: [FeatureSpec; 3] = [
    FeatureSpec {
        name: "hk2_200",
        version: 1,
        unit: "log ratio",
        range: "about -5 to 6",
        window: "decaying, 2 and 200 s",
        formula: "ln(S_2 / 2 + 0.01) - ln(S_200 / 200 + 0.01), S_T <- S_T exp(-dt / T) + 1 at each order",
        defined_when: "200 of the last 300 seconds are valid",
        meaning: "Order rate fading over 2 s against 200 s.",
    },
    FeatureSpec {
        name: "hk20_200",
        version: 1,
        unit: "log ratio",
        range: "about -5 to 6",
        window: "decaying, 20 and 200 s",
        formula: "ln(S_20 / 20 + 0.01) - ln(S_200 / 200 + 0.01), S_T <- S_T exp(-dt / T) + 1 at each order",
        defined_when: "200 of the last 300 seconds are valid",
        meaning: "Order rate fading over 20 s against 200 s.",
    },
    FeatureSpec {
        name: "since",
        version: 1,
        unit: "log seconds",
        range: "0 and above",
        window: "since the newest trade",
        formula: "ln(1 + seconds since the newest trade)",
        defined_when: "a trade was seen",
        meaning: "Time since the newest trade.",
    },
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
