//! The settings that shape a prediction's bytes, and their fingerprint.

use super::label::LabelSettings;
use crate::{features, feedback::FeedbackSettings, tick::NANOS_PER_SECOND};

/// Settings that shape a prediction's bytes; their fingerprint is in every receipt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateSettings {
    /// Silence beyond which seconds are invalid, with quotes, ns.
    pub gap_quoted_ns: i64,
    /// The same with trades only, ns.
    pub gap_trades_ns: i64,
    /// The event that is predicted.
    pub label: LabelSettings,
    /// What outcomes may do to predictions.
    pub feedback: FeedbackSettings,
}

impl Default for StateSettings {
    fn default() -> Self {
        Self {
            gap_quoted_ns: 10 * NANOS_PER_SECOND,
            gap_trades_ns: 60 * NANOS_PER_SECOND,
            label: LabelSettings::default(),
            feedback: FeedbackSettings::default(),
        }
    }
}

impl StateSettings {
    /// A fingerprint: equal settings and equal features, equal fingerprints.
    pub fn fingerprint(&self) -> u64 {
        let text = format!(
            "gap_quoted_ns={} gap_trades_ns={} {} recalibrate={} fallback={} features={:016x}",
            self.gap_quoted_ns,
            self.gap_trades_ns,
            self.label.fingerprint_text(),
            self.feedback.recalibrate,
            self.feedback.fallback,
            model::schema::fingerprint(&features::schema()),
        );
        xxhash_rust::xxh3::xxh3_64(text.as_bytes())
    }
}
