//! Predictions of symbols with their explanations.

use std::{sync::Arc, time::Instant};

use engine::{
    message::Answer,
    prediction::{Prediction, Status},
    symbol::SymbolKey,
};
use model::Model;

use crate::http::{
    app::App,
    explain::{Explained, explain_rows},
    problem::Problem,
};

/// An explanation, or the reason why there is none.
pub(super) type Explanation = Result<Explained, String>;

pub(super) type SymbolAnswers = (Vec<Option<Arc<Answer>>>, Vec<Explanation>);

/// The model's predictions, each with its explanation. Row and prediction come from the shard together.
pub(super) async fn explained_symbols(
    app: &App,
    model: &Arc<Model>,
    keys: &[SymbolKey],
    deadline: Instant,
) -> Result<SymbolAnswers, Problem> {
    let schema = engine::features::schema();
    let features = model.info().features.iter();
    let places: Vec<_> = features.map(|feature| schema.iter().position(|known| known == feature)).collect();
    let (mut answers, mut rows, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    for &key in keys {
        let found = app.engine.features(key, Some(model.clone()), deadline).await?;
        let reason = match &found {
            None => Some("it has no state here".to_owned()),
            Some(found) => not_explained(model, &found.prediction),
        };
        let row: Option<Vec<f64>> = found.as_ref().filter(|_| reason.is_none()).and_then(|found| {
            places.iter().map(|place| found.row.get((*place)?).map(|&value| f64::from(value))).collect()
        });
        reasons.push(match (&row, reason) {
            (None, None) => Some("the model's features are not the engine's".to_owned()),
            (_, reason) => reason,
        });
        rows.extend(row.unwrap_or_default());
        answers.push(found.map(|found| Arc::new(Answer::new(found.prediction))));
    }
    let mut explained = explain_rows(app, model.clone(), rows, deadline).await?.into_iter();
    let explanation = |reason: Option<String>| match reason {
        Some(reason) => Err(reason),
        None => Ok(explained.next().expect("each row that has no reason against it is explained")),
    };
    let explanations = reasons.into_iter().map(explanation).collect();
    Ok((answers, explanations))
}

/// The reason why the model's contributions do not add up to this prediction; `None` if they do.
fn not_explained(model: &Model, prediction: &Prediction) -> Option<String> {
    match (prediction.scored.status, &prediction.model) {
        (Status::Warming(reason), _) => {
            Some(format!("there is no probability to explain: {}", reason.text()))
        }
        (Status::Ok { .. }, Some(info)) if info.sha256 != model.info().sha256 => {
            Some(format!("{}@{} stands in for the model (quality.fallback)", info.name, info.version))
        }
        (Status::Ok { .. }, _) => None,
    }
}

/// Adds the explanation to the last object in `bytes`.
pub(super) fn add_explanation(bytes: &mut Vec<u8>, explanation: &Explanation) {
    let closing = bytes.pop();
    debug_assert_eq!(closing, Some(b'}'), "a prediction is an object");
    bytes.extend_from_slice(b",\"explanation\":");
    let written = "a Vec takes every write and its keys are text";
    serde_json::to_writer(&mut *bytes, &explanation.as_ref().ok()).expect(written);
    if let Err(reason) = explanation {
        bytes.extend_from_slice(b",\"explanation_reason\":");
        serde_json::to_writer(&mut *bytes, reason).expect(written);
    }
    bytes.push(b'}');
}
