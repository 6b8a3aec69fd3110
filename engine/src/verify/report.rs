//! The report of a verification.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::intake::Faults;

/// Most missing models that are listed one by one.
const MISSING_MODELS_MAX: usize = 16;

/// The position of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Partition of the record.
    pub partition: u32,
    /// Offset of the record in the ticks' topic.
    pub offset: u64,
    /// Position of the tick among those of its record, from 0.
    pub index: u32,
}

/// The reason why a prediction cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The ticks that its state was made of are gone from the log.
    BelowLogStart,
    /// Its tick is after the end of the ticks.
    BehindTicks,
    /// Its model, or one that changed its state, is not among the files.
    NoModel,
    /// It was made with other settings.
    OtherSettings,
}

impl Reason {
    /// The reason in words, with the remedy.
    pub fn text(self) -> &'static str {
        match self {
            Self::BelowLogStart => "their states grew from ticks below the log's start",
            Self::BehindTicks => "their ticks lie behind the end of the ticks: record the ticks last",
            Self::NoModel => "their model is not in --models",
            Self::OtherSettings => "they were made under other settings: give the --config of then",
        }
    }

    /// Whether more inputs would help. Ticks that retention has deleted are gone for good.
    pub fn is_curable(self) -> bool {
        self != Self::BelowLogStart
    }
}

/// The kinds of differences between recorded and recomputed predictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The prediction has other bytes, another key or other headers.
    Differing,
    /// The tick should have a prediction and has none.
    Missing,
    /// The prediction was written twice.
    Repeated,
    /// No tick gives the prediction.
    Surplus,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Kind of the difference.
    pub kind: Kind,
    /// Position of the tick.
    #[serde(flatten)]
    pub place: Place,
    /// Path of the first field that differs; empty for missing, repeated and surplus predictions.
    pub field: String,
    /// The value found.
    pub found: String,
    /// The value due.
    pub due: String,
}

/// The predictions that cannot be judged for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unjudged {
    /// Number of predictions.
    pub count: u64,
    /// Position of the first one's tick.
    pub first: Place,
}

/// The result of a verification: the counts and the first difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Tick records read.
    pub tick_records: u64,
    /// Tick records after the last prediction and commit: they still wait, or their predictions are lost at the end.
    pub tick_records_behind: u64,
    /// Tick records, or tickers in one, that cannot be read and so have no prediction, by reason.
    pub unreadable: Faults,
    /// Prediction records read.
    pub predictions: u64,
    /// Predictions with the same bytes, key and headers.
    pub verified: u64,
    /// Predictions of [`Kind::Differing`].
    pub differing: u64,
    /// Ticks of [`Kind::Missing`].
    pub missing: u64,
    /// Predictions of [`Kind::Repeated`].
    pub repeated: u64,
    /// Repeats with the same bytes, which at-least-once delivery allows.
    pub repeated_as_promised: u64,
    /// Predictions of [`Kind::Surplus`].
    pub surplus: u64,
    /// Predictions that could not be judged, by reason.
    pub not_verifiable: BTreeMap<Reason, Unjudged>,
    /// SHA-256 of the first few missing models.
    pub missing_models: BTreeSet<String>,
    /// The first difference, by partition and position.
    pub first_difference: Option<Difference>,
}

impl Report {
    /// Whether every prediction that can be judged is right, and no prediction is left that more inputs could judge.
    pub fn is_sound(&self) -> bool {
        let faults = self.differing + self.missing + self.repeated + self.surplus;
        faults == 0 && !self.not_verifiable.keys().any(|reason| reason.is_curable())
    }

    fn fault(&mut self, kind: Kind, place: Place, field: &str, found: String, due: String) {
        let field = field.to_owned();
        self.first_difference.get_or_insert(Difference { kind, place, field, found, due });
    }

    pub(super) fn differs(&mut self, place: Place, field: &str, found: String, due: String) {
        self.differing += 1;
        self.fault(Kind::Differing, place, field, found, due);
    }

    /// Takes back a difference: after this prediction comes the one that its tick gives, so this one is surplus.
    pub(super) fn differs_no_more(&mut self, place: Place) {
        self.differing -= 1;
        if self.first_difference.as_ref().is_some_and(|first| first.place == place) {
            self.first_difference = None;
        }
        self.surplus(place);
    }

    pub(super) fn missing(&mut self, place: Place) {
        self.missing += 1;
        self.fault(Kind::Missing, place, "", "none".to_owned(), "a prediction".to_owned());
    }

    pub(super) fn repeated(&mut self, place: Place) {
        self.repeated += 1;
        self.fault(Kind::Repeated, place, "", "a second one".to_owned(), "one".to_owned());
    }

    pub(super) fn surplus(&mut self, place: Place) {
        self.surplus += 1;
        self.fault(Kind::Surplus, place, "", "a prediction".to_owned(), "none".to_owned());
    }

    pub(super) fn note_missing_model(&mut self, sha256: String) {
        if self.missing_models.len() < MISSING_MODELS_MAX {
            self.missing_models.insert(sha256);
        }
    }

    pub(super) fn not_verifiable(&mut self, reason: Reason, place: Place) {
        self.not_verifiable.entry(reason).or_insert(Unjudged { count: 0, first: place }).count += 1;
    }
}
