//! `POST /predict`: rows of the caller's features, one row in the older form, or symbols of the live state.

use std::{borrow::Cow, sync::Arc, time::Instant};

use hyper::{Method, Response, StatusCode};
use model::{Model, ModelInfo};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Answering, Call, Endpoint, Observed, predict_symbol::no_state};
use crate::{
    http::{
        answer::{wall_clock_nanos, write_prediction},
        app::App,
        body,
        problem::Problem,
        reply::{Body, JSON, json, reply},
        route::Route,
        rows::{RowRules, Rows, kind_of, read_features, read_rows},
        service::count_predictions,
    },
    metrics::PredictionCounts,
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::POST,
    route: Route::Exact("/predict"),
    observed: Observed::Prediction,
    handle,
};

/// The body, its parts not yet read: which one is there decides what is answered.
#[derive(Deserialize)]
#[serde(expecting = "an object with one of the keys \"rows\", \"features\", \"symbols\"")]
struct Request<'a> {
    #[serde(borrow)]
    rows: Option<&'a RawValue>,
    #[serde(borrow)]
    features: Option<&'a RawValue>,
    #[serde(borrow)]
    symbols: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    explain: Option<bool>,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let bytes = body::read(call.body, &call.app.config.server).await?;
        // The body's time is the client's and has a bound of its own; the engine's begins when there is a question.
        let deadline = call.app.deadline(Instant::now());
        let request: Request<'_> =
            serde_json::from_slice(&bytes).map_err(|error| not_readable(&bytes, &error))?;
        if request.explain == Some(true) {
            return Err(Problem::new(
                StatusCode::NOT_IMPLEMENTED,
                "No explanations",
                "this version does not explain predictions; leave \"explain\" out",
            ));
        }
        let asked = request.model.as_deref();
        match (request.rows, request.features, request.symbols) {
            (Some(rows), None, None) => score_rows(call.app, rows, asked, deadline).await,
            (None, Some(features), None) => score_features(call.app, features, asked, deadline).await,
            (None, None, Some(symbols)) => predict_symbols(call.app, symbols, asked, deadline).await,
            _ => Err(Problem::unprocessable(
                "Nothing to predict",
                "send exactly one of \"rows\" (a list of objects), \"features\" (an object), \"symbols\" (a list of \
                 names)",
            )),
        }
    })
}

fn not_readable(bytes: &[u8], error: &serde_json::Error) -> Problem {
    if error.is_data() {
        return Problem::unprocessable("Invalid body", format!("{error}"));
    }
    let hint = match std::str::from_utf8(bytes) {
        Ok("") => "; the body is empty",
        Ok(text) if ["NaN", "Infinity", "nan"].iter().any(|word| text.contains(word)) => {
            "; NaN and Infinity are not JSON: leave the feature out or send null"
        }
        _ => "",
    };
    Problem::new(StatusCode::BAD_REQUEST, "Not JSON", format!("the body is not JSON: {error}{hint}"))
}

/// The loaded model, if it is the one that was asked for.
fn loaded_model(app: &App, asked: Option<&str>) -> Result<Arc<Model>, Problem> {
    let model = app.engine.model.load_full().ok_or_else(Problem::no_model)?;
    let info = model.info();
    let is_it = |asked: &str| match asked.split_once('@') {
        Some((name, alias)) => name == info.name && (alias == info.version || alias == app.version_of(info)),
        None => asked == info.name,
    };
    match asked {
        Some(name) if !is_it(name) => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "Unknown model",
            format!("model {name:?} is not loaded; {}@{} is", info.name, info.version),
        )),
        _ => Ok(model),
    }
}

fn rules<'a>(app: &App, info: &'a ModelInfo) -> RowRules<'a> {
    let predict = &app.config.predict;
    RowRules {
        features: &info.features,
        missing: predict.missing,
        unknown: predict.unknown,
        rows_max: predict.rows_max,
    }
}

#[derive(Serialize)]
struct Missing {
    row: usize,
    features: Vec<String>,
}

/// Missing features by row, where `predict.missing = "nan"` let them through.
fn missing_by_row(rows: &mut Rows) -> Vec<Missing> {
    let mut by_row: Vec<Missing> = Vec::new();
    for (row, feature) in rows.missing.drain(..) {
        match by_row.last_mut() {
            Some(last) if last.row == row => last.features.push(feature),
            _ => by_row.push(Missing { row, features: vec![feature] }),
        }
    }
    by_row
}

#[derive(Serialize)]
struct RowsAnswer<'a> {
    scores: &'a [f64],
    model_variant: &'a str,
    version: &'a str,
    ts: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    missing: &'a [Missing],
}

async fn score_rows(
    app: &App,
    raw: &RawValue,
    asked: Option<&str>,
    deadline: Instant,
) -> Result<Response<Body>, Problem> {
    let model = loaded_model(app, asked)?;
    let mut rows = read_rows(raw, rules(app, model.info()))?;
    let missing = missing_by_row(&mut rows);
    let scores = app.engine.score_rows(model.clone(), rows.values, deadline).await?;
    let info = model.info();
    let version = app.version_of(info);
    let spikes = scores.iter().filter(|&&p| p >= info.threshold).count() as u64;
    count_predictions(app, version, PredictionCounts { spikes, calms: scores.len() as u64 - spikes });
    let ts = crate::now_text();
    let answer = RowsAnswer { scores: &scores, model_variant: &info.variant, version, ts, missing: &missing };
    Ok(json(StatusCode::OK, &answer))
}

#[derive(Serialize)]
struct FeaturesAnswer<'a> {
    prediction: u8,
    probability: f64,
    alert: bool,
    inference_time_ms: f64,
    model_version: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    missing: &'a [String],
}

async fn score_features(
    app: &App,
    raw: &RawValue,
    asked: Option<&str>,
    deadline: Instant,
) -> Result<Response<Body>, Problem> {
    let legacy = app.legacy_model.as_ref().filter(|_| asked.is_none());
    let model = match legacy {
        Some(model) => model.clone(),
        None => loaded_model(app, asked)?,
    };
    let info = model.info();
    let rows = read_features(raw, rules(app, info))?;
    let missing: Vec<String> = rows.missing.into_iter().map(|(_, feature)| feature).collect();
    let asked_at = Instant::now();
    let scores = app.engine.score_rows(model.clone(), rows.values, deadline).await?;
    let inference_time_ms = asked_at.elapsed().as_secs_f64() * 1_000.0;
    let probability = *scores.first().ok_or_else(|| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "No score", "the shard answered without a score")
    })?;
    let spike = probability >= info.threshold;
    // `MODEL_VERSION` names the loaded model; the older one keeps its file's version.
    let version = if legacy.is_some() { &info.version } else { app.version_of(info) };
    count_predictions(app, version, PredictionCounts::of(Some(spike)));
    let answer = FeaturesAnswer {
        prediction: u8::from(spike),
        probability,
        alert: spike,
        inference_time_ms,
        model_version: version,
        missing: &missing,
    };
    Ok(json(StatusCode::OK, &answer))
}

fn read_symbols<'a>(raw: &'a RawValue, most: usize) -> Result<Vec<Cow<'a, str>>, Problem> {
    let invalid = |detail: String| Problem::unprocessable("Invalid symbols", detail);
    let items: Vec<&RawValue> = serde_json::from_str(raw.get())
        .map_err(|_| invalid(format!("\"symbols\" is {}; send a list of names", kind_of(raw.get()))))?;
    if items.is_empty() || items.len() > most {
        return Err(invalid(format!(
            "\"symbols\" has {} names; send 1 to {most} (predict.rows_max)",
            items.len()
        )));
    }
    let name = |(i, item): (usize, &&'a RawValue)| {
        serde_json::from_str::<String>(item.get())
            .map(Cow::Owned)
            .map_err(|_| invalid(format!("\"symbols\"[{i}] is {}; send a name", kind_of(item.get()))))
    };
    items.iter().enumerate().map(name).collect()
}

/// What stands in the place of a prediction that cannot be given.
#[derive(Serialize)]
struct ItemError<'a> {
    symbol: &'a str,
    status: u16,
    error: &'a str,
    detail: &'a str,
}

async fn predict_symbols(
    app: &App,
    raw: &RawValue,
    asked: Option<&str>,
    deadline: Instant,
) -> Result<Response<Body>, Problem> {
    let model = loaded_model(app, asked)?;
    let names = read_symbols(raw, app.config.predict.rows_max)?;
    let resolved: Vec<_> = names.iter().map(|name| app.engine.resolve(name)).collect();
    let keys: Vec<_> = resolved.iter().flatten().map(|(_, key)| *key).collect();
    let mut predictions = app.engine.predict(&keys, deadline).await?.into_iter();
    let now_nanos = wall_clock_nanos();
    let mut counts = PredictionCounts::default();
    let mut bytes = Vec::with_capacity(64 + 768 * names.len());
    bytes.extend_from_slice(b"{\"predictions\":[");
    for (i, (name, resolved)) in names.iter().zip(resolved).enumerate() {
        if i > 0 {
            bytes.push(b',');
        }
        let problem = match resolved {
            Ok((symbol, _)) => match predictions.next().flatten() {
                Some(answer) => {
                    counts.add(PredictionCounts::of(answer.prediction.spike()));
                    write_prediction(&mut bytes, &answer, now_nanos, app.config.predict.stale_after_s);
                    continue;
                }
                None => no_state(&symbol.name),
            },
            Err(error) => error.into(),
        };
        let status = problem.status().as_u16();
        let item = ItemError { symbol: name, status, error: problem.error(), detail: problem.detail() };
        serde_json::to_writer(&mut bytes, &item).expect("a Vec takes every write and strings are JSON");
    }
    bytes.extend_from_slice(b"]}");
    count_predictions(app, app.version_of(model.info()), counts);
    Ok(reply(StatusCode::OK, JSON, bytes))
}
