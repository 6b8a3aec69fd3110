//! Returns in units of the volatility that was to be expected.
//!
//! Cost: three divisions. Source: standardised returns, Andersen, Bollerslev, Diebold and Ebens (2001).
//!
//! Example: +10 bp in a minute at 1 bp per square-root second gives `z60 = 10 / sqrt(60) = 1.29`.

use super::{FeatureSpec, View, known_if, ratio, store};
use crate::window::Window;

pub(super) const SPECS: [FeatureSpec; 3] = [
    FeatureSpec {
        name: "z60",
        version: 1,
        unit: "standard deviations",
        range: "about -10 to 10",
        window: "60 and 300 s",
        formula: "ret_60 / (sigma_300 sqrt(60))",
        defined_when: "80 % of 60 s and 50 % of 300 s are covered, and the price moved in 300 s",
        meaning: "Return of 60 s in standard deviations of the last 300 s.",
    },
    FeatureSpec {
        name: "az10",
        version: 1,
        unit: "standard deviations",
        range: "0 to about 10",
        window: "10 and 300 s",
        formula: "|ret_10| / (sigma_300 sqrt(10))",
        defined_when: "80 % of 10 s and 50 % of 300 s are covered, and the price moved in 300 s",
        meaning: "Absolute return of 10 s in standard deviations of the last 300 s.",
    },
    FeatureSpec {
        name: "az300",
        version: 1,
        unit: "standard deviations",
        range: "0 to about 10",
        window: "300 and 1,800 s",
        formula: "|ret_300| / (sigma_1800 sqrt(300))",
        defined_when: "80 % of 300 s and 50 % of 1,800 s are covered, and the price moved in 1,800 s",
        meaning: "Absolute return of 300 s in standard deviations of the last 1,800 s.",
    },
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
