//! The settings that shape a prediction's bytes, and their fingerprint.

use serde::{Deserialize, Serialize};

use super::label::LabelSettings;
use crate::{
    features,
    feedback::FeedbackSettings,
    settings::{as_nanos, positive},
    tick::NANOS_PER_SECOND,
};

/// Settings that shape a prediction's bytes; their fingerprint is in every receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StateSettings {
    /// How long a silence is a gap.
    pub gaps: GapSettings,
    /// The event that is predicted.
    pub label: LabelSettings,
    /// The changes that outcomes may make to predictions.
    pub feedback: FeedbackSettings,
}

impl StateSettings {
    /// A fingerprint of the settings and of the list of features.
    pub fn fingerprint(&self) -> u64 {
        let text = format!(
            "gap_quoted_ns={} gap_trades_ns={} {} recalibrate={} fallback={} features={:016x}",
            self.gaps.quoted_ns,
            self.gaps.trades_ns,
            self.label.fingerprint_text(),
            self.feedback.recalibrate,
            self.feedback.fallback,
            model::schema::fingerprint(&features::schema()),
        );
        // The default leaves the fingerprint as it was before there was the setting.
        let outliers = match self.gaps.outlier_factor == GapSettings::default().outlier_factor {
            true => String::new(),
            false => format!(" outlier_factor={}", self.gaps.outlier_factor),
        };
        xxhash_rust::xxh3::xxh3_64((text + &outliers).as_bytes())
    }
}

/// The longest window. A silence that is no gap is walked second by second, in one step.
const GAP_S_MAX: i64 = 1_800;

/// `[state]`: silences beyond which seconds are invalid, and prices that are not believed. They shape every prediction's
/// bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GapSettings {
    /// Where the feed carries quotes, ns; above 0.
    #[serde(rename = "gap_quoted_s", with = "as_nanos")]
    pub quoted_ns: i64,
    /// Where it carries only trades, which are rarer, ns; at least `quoted_ns`.
    #[serde(rename = "gap_trades_s", with = "as_nanos")]
    pub trades_ns: i64,
    /// A price more than this many times the newest one, or less than this part of it, enters only if a second tick
    /// confirms it; 0 = every price enters. Otherwise 1.1 to 1,000.
    pub outlier_factor: f64,
}

impl Default for GapSettings {
    fn default() -> Self {
        Self { quoted_ns: 10 * NANOS_PER_SECOND, trades_ns: 60 * NANOS_PER_SECOND, outlier_factor: 2.0 }
    }
}

impl GapSettings {
    /// The factor in whole thousandths; 0 = every price enters.
    pub fn outlier_factor_thousandths(&self) -> i64 {
        (self.outlier_factor * 1_000.0) as i64
    }

    /// Checks the bounds and that trades have the longer limit.
    ///
    /// # Errors
    /// The first key that is outside, and what to do.
    pub fn check(&self) -> Result<(), String> {
        positive("state.gap_quoted_s", self.quoted_ns as f64)?;
        for (key, nanos) in [("state.gap_quoted_s", self.quoted_ns), ("state.gap_trades_s", self.trades_ns)] {
            if nanos > GAP_S_MAX * NANOS_PER_SECOND {
                let seconds = nanos as f64 / NANOS_PER_SECOND as f64;
                return Err(format!(
                    "{key} is {seconds}; it is at most {GAP_S_MAX}: no window looks further back"
                ));
            }
        }
        if self.outlier_factor != 0.0 && !(1.1..=1_000.0).contains(&self.outlier_factor) {
            return Err(format!(
                "state.outlier_factor is {}; it is 1.1 to 1000, or 0 to let every price in",
                self.outlier_factor
            ));
        }
        if self.trades_ns < self.quoted_ns {
            return Err("state.gap_trades_s is shorter than state.gap_quoted_s: trades are rarer than quotes; make it \
                        longer"
                .to_owned());
        }
        Ok(())
    }
}
