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
        xxhash_rust::xxh3::xxh3_64(text.as_bytes())
    }
}

/// The longest window. A silence that is no gap is walked second by second, in one step.
const GAP_S_MAX: i64 = 1_800;

/// `[state]`: silences beyond which seconds are invalid. They shape every prediction's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GapSettings {
    /// Where the feed carries quotes, ns; above 0.
    #[serde(rename = "gap_quoted_s", with = "as_nanos")]
    pub quoted_ns: i64,
    /// Where it carries only trades, which are rarer, ns; at least `quoted_ns`.
    #[serde(rename = "gap_trades_s", with = "as_nanos")]
    pub trades_ns: i64,
}

impl Default for GapSettings {
    fn default() -> Self {
        Self { quoted_ns: 10 * NANOS_PER_SECOND, trades_ns: 60 * NANOS_PER_SECOND }
    }
}

impl GapSettings {
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
        if self.trades_ns < self.quoted_ns {
            return Err("state.gap_trades_s is shorter than state.gap_quoted_s: trades are rarer than quotes; make it \
                        longer"
                .to_owned());
        }
        Ok(())
    }
}
