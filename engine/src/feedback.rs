//! Feedback lets a symbol's own outcomes change its predictions. It is off by default.
//!
//! There are two kinds: the online [`recalibration`] of the model's probabilities, and the [`fallback`] to a baseline
//! model while the loaded one does worse. The learned state is part of the symbol's state, so snapshots hold it and a
//! replay gives the same bytes. Every change is an event.

pub mod fallback;
pub mod recalibration;

use rkyv::{Archive, Deserialize, Serialize};

use self::{
    fallback::Fallback,
    recalibration::{Line, Recalibration, log_odds},
};
use crate::{features::Row, scoring::Scoring};

/// Keys of `[quality]` that let outcomes change predictions; both are off by default. They shape every prediction's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct FeedbackSettings {
    /// Each symbol's own outcomes recalibrate its probabilities (online Platt).
    pub recalibrate: bool,
    /// The baseline answers for a symbol while the model's recent Brier score is worse.
    pub fallback: bool,
}

impl FeedbackSettings {
    fn is_off(self) -> bool {
        self == Self::default()
    }
}

/// The state learned about one symbol under one model. A model swap resets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
pub struct Feedback {
    model_hash: u64,
    recalibration: Recalibration,
    fallback: Fallback,
}

/// The probabilities of a grid prediction that are compared with its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub struct Lesson {
    /// First eight bytes of the SHA-256 of the model that was loaded.
    model_hash: u64,
    /// The model's own log-odds.
    log_odds: f64,
    /// The model's probability, recalibrated.
    model: f64,
    /// The baseline's probability, if the fallback is switched on.
    baseline: Option<f64>,
}

/// A probability, with the model and the recalibration that gave it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Given {
    /// The probability.
    pub probability: f64,
    /// First eight bytes of the SHA-256 of the model that gave it.
    pub model_hash: u64,
    /// The recalibration of that model's log-odds.
    pub line: Line,
    /// The values that the outcome is compared with; `None` off the grid.
    pub lesson: Option<Lesson>,
}

/// A change in how a symbol's predictions are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// This recalibration came into force.
    Recalibrated(Line),
    /// From now on the baseline answers.
    FellBack {
        /// Recent Brier score of the model.
        model_brier: f64,
        /// Recent Brier score of the baseline.
        baseline_brier: f64,
    },
    /// From now on the model answers again.
    Recovered {
        /// Recent Brier score of the model.
        model_brier: f64,
        /// Recent Brier score of the baseline.
        baseline_brier: f64,
    },
}

impl Feedback {
    /// Scores a row; returns `None` without a model.
    #[inline]
    pub fn give(
        &self,
        row: &Row,
        on_grid: bool,
        settings: FeedbackSettings,
        scoring: &Scoring,
    ) -> Option<Given> {
        let model_hash = scoring.model_hash();
        if settings.is_off() {
            let probability = scoring.score(row)?;
            return Some(Given { probability, model_hash, line: Line::IDENTITY, lesson: None });
        }
        self.give_by_outcomes(row, on_grid, settings, scoring)
    }

    /// Scores a row as the outcomes so far say.
    fn give_by_outcomes(
        &self,
        row: &Row,
        on_grid: bool,
        settings: FeedbackSettings,
        scoring: &Scoring,
    ) -> Option<Given> {
        let model_hash = scoring.model_hash();
        let is_known = self.model_hash == model_hash;
        let has_fallen = settings.fallback && is_known && self.fallback.is_engaged();
        let baseline =
            if has_fallen || (settings.fallback && on_grid) { scoring.baseline_score(row) } else { None };
        let by_baseline = baseline.filter(|_| has_fallen).map(|probability| Given {
            probability,
            model_hash: scoring.baseline_hash(),
            line: Line::IDENTITY,
            lesson: None,
        });
        if !on_grid && by_baseline.is_some() {
            return by_baseline;
        }
        let line =
            if settings.recalibrate && is_known { self.recalibration.in_force() } else { Line::IDENTITY };
        let score = scoring.score(row)?;
        let log_odds = log_odds(score);
        let model = line.apply(log_odds, score);
        let lesson = on_grid.then_some(Lesson { model_hash, log_odds, model, baseline });
        let by_model = Given { probability: model, model_hash, line, lesson };
        Some(by_baseline.map_or(by_model, |given| Given { lesson, ..given }))
    }

    /// Learns from an outcome; `changed` is called with each change that comes into force by it.
    pub fn learn(
        &mut self,
        lesson: &Lesson,
        spike: bool,
        settings: FeedbackSettings,
        mut changed: impl FnMut(Change),
    ) {
        if self.model_hash != lesson.model_hash {
            *self = Self { model_hash: lesson.model_hash, ..Self::default() };
        }
        if settings.recalibrate
            && let Some(line) = self.recalibration.learn(lesson.log_odds, spike)
        {
            changed(Change::Recalibrated(line));
        }
        if settings.fallback
            && let Some(baseline) = lesson.baseline
            && self.fallback.learn(lesson.model, baseline, spike)
        {
            let (model_brier, baseline_brier) = self.fallback.briers();
            changed(if self.fallback.is_engaged() {
                Change::FellBack { model_brier, baseline_brier }
            } else {
                Change::Recovered { model_brier, baseline_brier }
            });
        }
    }
}
