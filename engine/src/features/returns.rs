//! How far the price went, in units of what was to be expected.
//!
//! | feature | formula | window | has a value when |
//! |---|---|---|---|
//! | `z60` | `ret_60 / (sigma_300 sqrt(60))` | 60 and 300 s | 80 % of 60 s, 50 % of 300 s, price moved |
//! | `az10` | `abs(ret_10) / (sigma_300 sqrt(10))` | 10 and 300 s | 80 % of 10 s, 50 % of 300 s |
//! | `az300` | `abs(ret_300) / (sigma_1800 sqrt(300))` | 300 and 1,800 s | 80 % of 300 s, 50 % of 1,800 s |
//!
//! `ret_w` is the sum of valid one-second log returns in the window. Unit: standard deviations; range about -10..10.
//! Cost: three divisions. Source: standardised returns, Andersen, Bollerslev, Diebold and Ebens (2001).
//!
//! Example: +10 bp in a minute at 1 bp per square-root second gives `z60 = 10 / sqrt(60) = 1.29`.

use super::{FeatureSpec, View, known_if, ratio, store};
use crate::window::Window;

const fn spec(name: &'static str, meaning: &'static str) -> FeatureSpec {
    FeatureSpec { name, version: 1, unit: "standard deviations", meaning }
}

pub(super) const SPECS: [FeatureSpec; 3] = [
    spec("z60", "Return of 60 s in standard deviations of the last 300 s."),
    spec("az10", "Absolute return of 10 s in standard deviations of the last 300 s."),
    spec("az300", "Absolute return of 300 s in standard deviations of the last 1,800 s."),
];

pub(super) fn compute(view: &View<'_>, _: &[f64], row: &mut [f32]) {
    let standardised = |window: Window, sigma: f64| {
        let expected = sigma * libm::sqrt(window.seconds() as f64);
        known_if(view.coverage(window) >= 0.8, ratio(view.log_return(window), expected))
    };
    let (s300, s1800) = (view.sigma_long(Window::S300), view.sigma_1800());
    store(
        row,
        [
            standardised(Window::S60, s300),
            standardised(Window::S10, s300).abs(),
            standardised(Window::S300, s1800).abs(),
        ],
    );
}
