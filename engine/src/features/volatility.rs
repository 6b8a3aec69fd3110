//! How volatile it is now, against the symbol's threshold (provisional before its own) and against its past.
//!
//! | feature | formula | window | has a value when |
//! |---|---|---|---|
//! | `lv10_tau`, `lv60_tau`, `lv300_tau` | `L(sigma_w / tau)` | 10, 60, 300 s | 80 % of it is covered, tau is ready |
//! | `lew30_tau` | `L(sigma_ew / tau)`, half-life 30 s | decaying | 80 % of 60 s is covered, tau is ready |
//! | `lv10_60`, `lv60_300`, `lv300_1800` | `L(sigma_a / sigma_b)` | both | 80 % of `a`, 50 % of `b` |
//!
//! Unit: log ratio; 0 = equal, 0.7 = twice; range -6.9 (no movement) to about 5. Cost: seven logarithms, five
//! square roots. Source: realised volatility after Andersen, Bollerslev, Diebold and Labys (2003); the cascade of
//! horizons after Corsi (2009, HAR); the average after RiskMetrics (1996).
//!
//! Example: 60 seconds of one-second returns of +-2 bp and a threshold of 1 bp per square-root second give
//! `lv60_tau = ln(2) = 0.693`.

use super::{FeatureSpec, Logarithms, View, floored, ratio, store};
use crate::window::Window;

const fn spec(name: &'static str, meaning: &'static str) -> FeatureSpec {
    FeatureSpec { name, version: 1, unit: "log ratio", meaning }
}

pub(super) const SPECS: [FeatureSpec; 7] = [
    spec("lv10_tau", "Volatility of 10 s against the symbol's own threshold."),
    spec("lv60_tau", "Volatility of 60 s against the symbol's own threshold."),
    spec("lv300_tau", "Volatility of 300 s against the symbol's own threshold."),
    spec("lew30_tau", "Exponentially weighted volatility, half-life 30 s, against the threshold."),
    spec("lv10_60", "Volatility of 10 s against that of 60 s."),
    spec("lv60_300", "Volatility of 60 s against that of 300 s."),
    spec("lv300_1800", "Volatility of 300 s against that of 1,800 s."),
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
