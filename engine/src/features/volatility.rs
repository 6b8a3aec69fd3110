//! Volatility now, against the symbol's threshold (provisional before its own) and against its past.
//!
//! 0 means equal, 0.7 twice, -6.9 no movement. Cost: seven logarithms, five square roots. Source: realised volatility after Andersen, Bollerslev, Diebold and Labys (2003); the cascade of
//! horizons after Corsi (2009, HAR); the average after RiskMetrics (1996).
//!
//! Example: 60 seconds of one-second returns of +-2 bp and a threshold of 1 bp per square-root second give
//! `lv60_tau = ln(2) = 0.693`.

use super::{FeatureSpec, Logarithms, View, floored, ratio, store};
use crate::window::Window;

pub(super) const SPECS: [FeatureSpec; 7] = [
    FeatureSpec {
        name: "lv10_tau",
        version: 1,
        unit: "log ratio",
        range: "-6.9 to about 5",
        window: "10 s",
        formula: "L(sigma_10 / tau)",
        defined_when: "80 % of 10 s is covered and tau is known",
        meaning: "Volatility of 10 s against the symbol's own threshold.",
    },
    FeatureSpec {
        name: "lv60_tau",
        version: 1,
        unit: "log ratio",
        range: "-6.9 to about 5",
        window: "60 s",
        formula: "L(sigma_60 / tau)",
        defined_when: "80 % of 60 s is covered and tau is known",
        meaning: "Volatility of 60 s against the symbol's own threshold.",
    },
    FeatureSpec {
        name: "lv300_tau",
        version: 1,
        unit: "log ratio",
        range: "-6.9 to about 5",
        window: "300 s",
        formula: "L(sigma_300 / tau)",
        defined_when: "80 % of 300 s is covered and tau is known",
        meaning: "Volatility of 300 s against the symbol's own threshold.",
    },
    FeatureSpec {
        name: "lew30_tau",
        version: 1,
        unit: "log ratio",
        range: "-6.9 to about 5",
        window: "decaying, half-life 30 s",
        formula: "L(sigma_ew / tau), sigma_ew^2 <- 2^(-1/30) sigma_ew^2 + (1 - 2^(-1/30)) r^2 at each valid second",
        defined_when: "80 % of 60 s is covered and tau is known",
        meaning: "Exponentially weighted volatility, half-life 30 s, against the threshold.",
    },
    FeatureSpec {
        name: "lv10_60",
        version: 1,
        unit: "log ratio",
        range: "-6.9 to about 5",
        window: "10 and 60 s",
        formula: "L(sigma_10 / sigma_60)",
        defined_when: "80 % of 10 s and 50 % of 60 s are covered, and the price moved in 60 s",
        meaning: "Volatility of 10 s against that of 60 s.",
    },
    FeatureSpec {
        name: "lv60_300",
        version: 1,
        unit: "log ratio",
        range: "-6.9 to about 5",
        window: "60 and 300 s",
        formula: "L(sigma_60 / sigma_300)",
        defined_when: "80 % of 60 s and 50 % of 300 s are covered, and the price moved in 300 s",
        meaning: "Volatility of 60 s against that of 300 s.",
    },
    FeatureSpec {
        name: "lv300_1800",
        version: 1,
        unit: "log ratio",
        range: "-6.9 to about 5",
        window: "300 and 1,800 s",
        formula: "L(sigma_300 / sigma_1800)",
        defined_when: "80 % of 300 s and 50 % of 1,800 s are covered, and the price moved in 1,800 s",
        meaning: "Volatility of 300 s against that of 1,800 s.",
    },
];

pub(super) const LOGARITHMS: Logarithms = Logarithms { count: SPECS.len(), arguments };

fn arguments(view: &View<'_>, logarithms: &mut [f64]) {
    let tau = view.tau.unwrap_or(f64::NAN);
    let (s10, s60, s300) = (view.sigma(Window::S10), view.sigma(Window::S60), view.sigma(Window::S300));
    let averaged = match view.variance {
        Some(variance) if view.coverage(Window::S60) >= 0.8 => libm::sqrt(variance) * 1e-9,
        _ => f64::NAN,
    };
    let against = |a: f64, b: f64| floored(ratio(a, b));
    logarithms.copy_from_slice(&[
        against(s10, tau),
        against(s60, tau),
        against(s300, tau),
        against(averaged, tau),
        against(s10, view.sigma_long(Window::S60)),
        against(s60, view.sigma_long(Window::S300)),
        against(s300, view.sigma_1800()),
    ]);
}

pub(super) fn compute(_: &View<'_>, logarithms: &[f64], row: &mut [f32]) {
    store(row, logarithms.iter().copied());
}
