//! Scores posted rows: any number of them, or one in the older form.

use std::{sync::Arc, time::Instant};

use hyper::{Response, StatusCode};
use model::Model;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Asked, rows_model};
use crate::{
    http::{
        app::App,
        explain::{Explained, check_count, explain_rows},
        problem::Problem,
        reply::{Body, json},
        rows::{Rows, read_features, read_rows},
        scoring::{Missing, Scores, classes, missing_by_row, rules, score},
    },
    metrics::PredictionCounts,
};

/// The explanations, if the request asks for them.
async fn explain(
    app: &App,
    model: &Arc<Model>,
    rows: &Rows,
    asked: Asked<'_>,
) -> Result<Option<Vec<Explained>>, Problem> {
    if !asked.explain {
        return Ok(None);
    }
    check_count(app, rows.count)?;
    explain_rows(app, model.clone(), rows.values.clone(), asked.deadline).await.map(Some)
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "RowScores")]
pub(super) struct RowsAnswer<'a> {
    scores: Scores<'a>,
    /// Labels of a row's numbers, in their order; if the number is a class's index, the labels that it counts.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    classes: &'a [String],
    model_variant: &'a str,
    version: &'a str,
    ts: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    missing: &'a [Missing],
    #[serde(skip_serializing_if = "Option::is_none")]
    explanations: Option<Vec<Explained>>,
}

/// Answers a `{"rows"}` request.
pub(super) async fn score_rows(
    app: &App,
    raw: &RawValue,
    asked: Asked<'_>,
) -> Result<Response<Body>, Problem> {
    let model = rows_model(app, asked.model)?;
    let mut rows = read_rows("rows", raw, rules(app, &model))?;
    let missing = missing_by_row(&mut rows);
    let explanations = explain(app, &model, &rows, asked).await?;
    let info = model.info();
    let version = app.version_of(info);
    let scores = score(app, &model, version, rows.values, asked.deadline).await?;
    let scores = Scores::new(&model, &scores);
    let ts = crate::now_text();
    let (model_variant, missing, classes) = (&*info.variant, &*missing, classes(&model));
    let answer = RowsAnswer { scores, classes, model_variant, version, ts, missing, explanations };
    Ok(json(StatusCode::OK, &answer))
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "OlderPrediction")]
pub(super) struct FeaturesAnswer<'a> {
    prediction: u8,
    probability: f64,
    alert: bool,
    inference_time_ms: f64,
    model_version: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    missing: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explained>,
}

/// Answers a `{"features"}` request.
pub(super) async fn score_features(
    app: &App,
    raw: &RawValue,
    asked: Asked<'_>,
) -> Result<Response<Body>, Problem> {
    let legacy = app.legacy_model.as_ref().filter(|_| asked.model.is_none());
    let model = match legacy {
        Some(model) => model.clone(),
        None => rows_model(app, asked.model)?,
    };
    if !model.gives_probability() {
        return Err(Problem::unprocessable(
            "Not a probability",
            "\"features\" asks for the probability of one event, which this model does not give; send \"rows\"",
        ));
    }
    let info = model.info();
    let rows = read_features(raw, rules(app, &model))?;
    let explanation = explain(app, &model, &rows, asked).await?.and_then(|mut explained| explained.pop());
    let missing: Vec<String> = rows.missing.into_iter().map(|(_, feature)| feature).collect();
    let asked_at = Instant::now();
    let scores = app.engine.score_rows(model.clone(), rows.values, asked.deadline).await?;
    let inference_time_ms = asked_at.elapsed().as_secs_f64() * 1_000.0;
    let probability = *scores.first().ok_or_else(|| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "No score", "the shard answered without a score")
    })?;
    let spike = probability >= info.threshold;
    // `MODEL_VERSION` names the loaded model; the older one keeps its file's version.
    let version = if legacy.is_some() { &info.version } else { app.version_of(info) };
    app.metrics.predictions.add(version, PredictionCounts::of(Some(spike)));
    let answer = FeaturesAnswer {
        prediction: u8::from(spike),
        probability,
        alert: spike,
        inference_time_ms,
        model_version: version,
        missing: &missing,
        explanation,
    };
    Ok(json(StatusCode::OK, &answer))
}
