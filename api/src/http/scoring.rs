//! Scores and counts posted rows, for every protocol.

use std::{sync::Arc, time::Instant};

use model::{Link, Model};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    app::App,
    problem::Problem,
    rows::{RowRules, Rows},
};
use crate::metrics::PredictionCounts;

/// The rules for parsing rows of this model.
pub(super) fn rules<'a>(app: &App, model: &'a Model) -> RowRules<'a> {
    let predict = &app.config.predict;
    RowRules {
        features: &model.info().features,
        missing: predict.missing,
        unknown: predict.unknown,
        rows_max: predict.rows_max,
        doubles: model.reads_doubles(),
    }
}

/// The answers for rows, [`Model::answer_count`] for each row, counted under `version`.
///
/// # Errors
/// 503 or 504 if the shard refuses or is late.
pub(super) async fn score(
    app: &App,
    model: &Arc<Model>,
    version: &str,
    values: Vec<f64>,
    deadline: Instant,
) -> Result<Vec<f64>, Problem> {
    let scores = app.engine.score_rows(model.clone(), values, deadline).await?;
    // A score that is not a probability is not counted as a spike or a calm.
    if model.gives_probability() {
        let spikes = scores.iter().filter(|&&p| p >= model.info().threshold).count() as u64;
        app.metrics
            .predictions
            .add(version, PredictionCounts { spikes, calms: scores.len() as u64 - spikes });
    }
    Ok(scores)
}

/// One number for each row, or one for each class.
#[derive(JsonSchema, Serialize)]
#[serde(untagged)]
pub(super) enum Scores<'a> {
    Single(&'a [f64]),
    Several(Vec<&'a [f64]>),
}

impl<'a> Scores<'a> {
    pub(super) fn new(model: &Model, scores: &'a [f64]) -> Self {
        match model.answer_count() {
            1 => Self::Single(scores),
            count => Self::Several(scores.chunks_exact(count).collect()),
        }
    }
}

/// The classes' labels; empty if a row's score is the probability of one event.
pub(super) fn classes(model: &Model) -> &[String] {
    match model.outputs() {
        Some(outputs) if outputs.answer_count() > 1 || outputs.link == Link::ArgMax => &outputs.classes,
        _ => &[],
    }
}

/// Features that a row lacked, which `predict.missing = "nan"` allowed.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "MissingFeatures")]
pub(super) struct Missing {
    row: usize,
    features: Vec<String>,
}

/// Missing features by row.
pub(super) fn missing_by_row(rows: &mut Rows) -> Vec<Missing> {
    let mut by_row: Vec<Missing> = Vec::new();
    for (row, feature) in rows.missing.drain(..) {
        match by_row.last_mut() {
            Some(last) if last.row == row => last.features.push(feature),
            _ => by_row.push(Missing { row, features: vec![feature] }),
        }
    }
    by_row
}
