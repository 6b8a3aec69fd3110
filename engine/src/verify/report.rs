//! What came of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::source::Faults;

/// Missing models that are named one by one.
const MISSING_MODELS_MAX: usize = 16;

/// A tick: where its record lies, and which ticker of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Partition.
    pub partition: u32,
    /// Offset in the ticks' topic.
    pub offset: u64,
    /// Ticker in the record, from 0.
    pub index: u32,
}

/// Why a prediction cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its state grew from ticks that the log does not have any more.
    BelowLogStart,
    /// Its tick lies behind the end of the ticks.
    BehindTicks,
    /// Its model, or one that shaped its state, is not among the files.
    NoModel,
    /// It was made under other settings.
    OtherSettings,
}

impl Reason {
    /// In words, with what helps.
    pub fn text(self) -> &'static str {
        match self {
            Self::BelowLogStart => "their states grew from ticks below the log's start",
            Self::BehindTicks => "their ticks lie behind the end of the ticks: record the ticks last",
            Self::NoModel => "their model is not in --models",
            Self::OtherSettings => "they were made under other settings: give the --config of then",
        }
    }

    /// Whether giving more would help. What retention took is gone.
    pub fn is_curable(self) -> bool {
        self != Self::BelowLogStart
    }
}

/// In which way a prediction is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It has other bytes, another key or other headers.
    Differing,
    /// A tick should have given one and did not.
    Missing,
    /// It is there twice.
    Repeated,
    /// No tick gives it.
    Surplus,
}

/// One that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// In which way.
    pub kind: Kind,
    /// Its tick.
    #[serde(flatten)]
    pub place: Place,
    /// The first field that differs, by its path in the value; empty for what is missing, repeated or surplus.
    pub field: String,
    /// What stands there.
    pub found: String,
    /// What should.
    pub due: String,
}

/// Not verifiable, by reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unjudged {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Place,
}

/// The counts, and the first difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Records of the ticks.
    pub tick_records: u64,
    /// Those behind the last prediction and commit: waiting, or their predictions are lost at the end.
    pub tick_records_behind: u64,
    /// Tick records, or tickers in one, that cannot be read and so have no prediction, by reason.
    pub unreadable: Faults,
    /// Records of the predictions.
    pub predictions: u64,
    /// The same bytes, key and headers.
    pub verified: u64,
    /// [`Kind::Differing`].
    pub differing: u64,
    /// [`Kind::Missing`].
    pub missing: u64,
    /// [`Kind::Repeated`].
    pub repeated: u64,
    /// Repeats with the same bytes where delivery is at least once.
    pub repeated_as_promised: u64,
    /// [`Kind::Surplus`].
    pub surplus: u64,
    /// What could not be judged.
    pub not_verifiable: BTreeMap<Reason, Unjudged>,
    /// The SHA-256 of models that were asked for and not there, the first few.
    pub missing_models: BTreeSet<String>,
    /// The first that is not as it should be, by partition and place.
    pub first_difference: Option<Difference>,
}

impl Report {
    /// Whether every prediction that can be judged is as it should be, and none that could be, with more given, was
    /// left out.
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
