//! The event that is predicted: volatility of the seconds ahead exceeds a threshold.

use serde::{Deserialize, Serialize};

use crate::{
    settings::unset,
    window::{GRID_S, Seconds, Window, to_f64},
};

/// The horizons that can be configured, seconds.
pub const HORIZONS_S: [u32; 4] = [15, 30, 60, 300];

/// `[label]`: the event that is predicted. It shapes every prediction's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelSettings {
    /// The horizon: seconds ahead that an outcome looks, one of [`HORIZONS_S`].
    pub horizon_s: u32,
    /// The threshold is this quantile of the symbol's trailing volatilities, between 0 and 1.
    pub quantile: f64,
    /// Seconds of trailing volatilities that are needed before the quantile is used.
    pub warm_up_s: u32,
    /// A fixed threshold instead of the quantile, basis points per square-root second; `None` (0 in a file) = the quantile.
    #[serde(with = "unset")]
    pub threshold_bp: Option<f64>,
}

impl Default for LabelSettings {
    fn default() -> Self {
        Self { horizon_s: 60, quantile: 0.9, warm_up_s: 2 * 3600, threshold_bp: None }
    }
}

impl LabelSettings {
    /// The fixed threshold, per square-root second.
    pub fn threshold(&self) -> Option<f64> {
        self.threshold_bp.map(|threshold_bp| threshold_bp * 1e-4)
    }

    /// Checks the bounds.
    ///
    /// # Errors
    /// The first key that is outside, and what to do.
    pub fn check(&self) -> Result<(), String> {
        let Self { horizon_s, quantile, warm_up_s, threshold_bp } = *self;
        if !HORIZONS_S.contains(&horizon_s) {
            return Err(format!("label.horizon_s is {horizon_s}; it is one of {HORIZONS_S:?}"));
        }
        if !(0.5..=0.999).contains(&quantile) {
            return Err(format!("label.quantile is {quantile}; choose it from 0.5 to 0.999"));
        }
        if !(300..=86_400).contains(&warm_up_s) {
            let what = "give from 300 s to the 86400 s that the quantile looks back";
            return Err(format!("label.warm_up_s is {warm_up_s}; {what}"));
        }
        match threshold_bp {
            Some(threshold_bp) if !(0.0..=1e4).contains(&threshold_bp) => {
                let what = "give basis points per square-root second up to 10000, or 0 for the quantile";
                Err(format!("label.threshold_bp is {threshold_bp}; {what}"))
            }
            _ => Ok(()),
        }
    }

    /// What a fingerprint covers.
    pub(super) fn fingerprint_text(&self) -> String {
        let Self { horizon_s, quantile, warm_up_s, .. } = self;
        let threshold = self.threshold();
        format!("horizon_s={horizon_s} quantile={quantile} warm_up_s={warm_up_s} threshold={threshold:?}")
    }

    /// Grid instants from a prediction to its outcome.
    pub(super) fn steps(&self) -> usize {
        self.horizon_s as usize / GRID_S as usize
    }

    /// Volatility of the closed seconds of one horizon before `second`, per square-root second, if at least 95 % of
    /// them are valid. It is the outcome of the prediction made one horizon ago.
    pub(super) fn completed_volatility(&self, seconds: &Seconds, second: i64) -> Option<f64> {
        let horizon_s = i64::from(self.horizon_s);
        let (squared_return, valid_seconds) = match self.horizon_s {
            30 => of_window(seconds, Window::S30),
            60 => of_window(seconds, Window::S60),
            300 => of_window(seconds, Window::S300),
            _ => (second - horizon_s..second).map(|closed| seconds.bucket(closed)).fold(
                (0, 0),
                |(squares, valid), bucket| {
                    let square = i128::from(bucket.log_return) * i128::from(bucket.log_return);
                    if bucket.return_valid { (squares + square, valid + 1) } else { (squares, valid) }
                },
            ),
        };
        (valid_seconds >= horizon_s * 95 / 100)
            .then(|| libm::sqrt(to_f64(squared_return) / valid_seconds as f64) * 1e-9)
    }
}

fn of_window(seconds: &Seconds, window: Window) -> (i128, i64) {
    let sums = seconds.sums(window);
    (sums.squared_return, sums.valid_seconds)
}
