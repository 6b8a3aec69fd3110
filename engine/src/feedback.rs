//! What a symbol's own outcomes do to its predictions, where that is asked for.

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

/// What has been learned of one symbol under one model; another model begins anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
pub struct Feedback {
    model_hash: u64,
    recalibration: Recalibration,
    fallback: Fallback,
}

/// What is needed to learn from an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub struct Lesson {
    /// First eight bytes of the SHA-256 of the model that was loaded.
    model_hash: u64,
    /// Its own log-odds.
    log_odds: f64,
    /// What it said, recalibrated.
    model: f64,
    /// What the baseline said, if it was asked.
    baseline: Option<f64>,
}

/// A probability, and how it came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Given {
    /// The probability.
    pub probability: f64,
    /// First eight bytes of the SHA-256 of the model that gave it.
    pub model_hash: u64,
    /// The line over its log-odds.
    pub line: Line,
    /// What an outcome will teach; on the grid only.
    pub lesson: Option<Lesson>,
}

/// What feedback changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// A line came into force.
    Recalibrated(Line),
    /// The baseline answers from now on; recent Brier scores.
    FellBack {
        /// Of the model.
        model_brier: f64,
        /// Of the baseline.
        baseline_brier: f64,
    },
    /// The model answers again; recent Brier scores.
    Recovered {
        /// Of the model.
        model_brier: f64,
        /// Of the baseline.
        baseline_brier: f64,
    },
}

impl Feedback {
    /// The probability for a row; `None` without a model.
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

    /// Takes an outcome; `changed` hears of what comes into force by it.
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
