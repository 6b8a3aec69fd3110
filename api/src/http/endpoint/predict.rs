//! `POST /predict`: scores rows of features, or one row in the older form, or returns predictions of live symbols.

mod explained;
mod rows;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc, time::Instant};

use engine::{
    message::Answer,
    symbol::{ResolveError, Symbol, SymbolKey},
};
use hyper::{Method, Response, StatusCode};
use model::Model;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use self::explained::{add_explanation, explained_symbols};
use super::{Answering, Call, Endpoint, Observed};
use crate::{
    http::{
        answer::{wall_clock_nanos, write_prediction},
        app::App,
        body,
        describe::{self, Content, Doc, Examples, Media, Tag, of, prediction::Prediction, row_object},
        explain::check_count,
        forward::Asker,
        other_instances::{self, Item, ListForm, REDIRECT, Stamp, Wanted},
        problem::Problem,
        reply::{Body, JSON, reply},
        route::Route,
        rows::kind_of,
    },
    metrics::PredictionCounts,
};

const DOC: Doc = Doc {
    tag: Tag::Predictions,
    summary: "Rows of your own, or symbols of the live state.",
    description: "Which of the three forms is meant shows in the key that is there.",
    parameters: &[],
    body: Some(Content {
        required: true,
        media: &[Media {
            content_type: JSON,
            schema: request_schema,
            examples: &[("rows", rows_example), ("features", features_example), ("symbols", symbols_example)],
        }],
    }),
    answers: &[
        describe::Answer {
            status: 200,
            description: "As was asked: scores of rows, one prediction in the older form, or predictions of symbols.",
            media: &[Media { content_type: JSON, schema: answer_schema, examples: &[] }],
        },
        REDIRECT,
    ],
    errors: &[400, 404, 408, 413, 422, 500, 503, 504],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::POST,
    route: Route::Exact("/predict"),
    observed: Observed::Prediction,
    doc: &DOC,
    handle,
};

fn request_schema(_: &mut SchemaGenerator) -> Schema {
    let number = json!({"type": ["number", "null"]});
    let row = json!({"type": "object", "description": "By feature.", "additionalProperties": number});
    let form = |key: &str, schema: Value| {
        json!({
            "type": "object",
            "required": [key],
            "properties": {
                key: schema,
                "model": {"type": "string", "description": "name or name@version of a loaded model."},
                "explain": {"type": "boolean"}
            }
        })
    };
    json_schema!({"oneOf": [
        form("rows", json!({"type": "array", "minItems": 1, "items": &row})),
        form("features", row),
        form("symbols", json!({"type": "array", "minItems": 1, "items": {"type": "string"}})),
    ]})
}

fn answer_schema(generator: &mut SchemaGenerator) -> Schema {
    let predictions = json!({
        "type": "object",
        "required": ["predictions"],
        "properties": {"predictions": {
            "type": "array",
            "description": "In the order of the names; one that fails has its error in its place.",
            "items": {"anyOf": [of::<Prediction>(generator), of::<ItemError<'_>>(generator)]}
        }}
    });
    let (rows, features) = (of::<rows::RowsAnswer<'_>>(generator), of::<rows::FeaturesAnswer<'_>>(generator));
    json_schema!({"anyOf": [rows, features, predictions]})
}

fn rows_example(examples: &Examples<'_>) -> Option<Value> {
    Some(json!({"rows": [row_object(examples.model?)]}))
}

fn features_example(examples: &Examples<'_>) -> Option<Value> {
    let model = examples.older.or(examples.model).filter(|model| model.gives_probability())?;
    Some(json!({"features": row_object(model)}))
}

fn symbols_example(examples: &Examples<'_>) -> Option<Value> {
    examples.model?;
    Some(json!({"symbols": [examples.symbol.as_ref()?]}))
}

/// The body with its parts not yet parsed. The part that is present decides the form of the request.
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

/// Options of every form.
#[derive(Clone, Copy)]
struct Asked<'a> {
    model: Option<&'a str>,
    explain: bool,
    deadline: Instant,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let (app, head, request_id) = (call.app, call.head, call.request_id);
        let bytes = body::read(call.body, app).await?;
        // The time for the body is the client's and has its own bound; the engine's time starts here.
        let deadline = app.deadline(Instant::now());
        let request: Request<'_> =
            serde_json::from_slice(&bytes).map_err(|error| not_readable(&bytes, &error))?;
        let asked =
            Asked { model: request.model.as_deref(), explain: request.explain == Some(true), deadline };
        match (request.rows, request.features, request.symbols) {
            (Some(rows), None, None) => rows::score_rows(app, rows, asked).await,
            (None, Some(features), None) => rows::score_features(app, features, asked).await,
            (None, None, Some(symbols)) => {
                let asker = Asker { app, headers: &head.headers, request_id, deadline };
                predict_symbols(asker, symbols, asked).await
            }
            _ => Err(Problem::unprocessable(
                "Nothing to predict",
                "send exactly one of \"rows\" (a list of objects), \"features\" (an object), \"symbols\" (a list of \
                 names)",
            )),
        }
    })
}

pub(super) fn not_readable(bytes: &[u8], error: &serde_json::Error) -> Problem {
    if error.is_data() {
        return Problem::unprocessable("Invalid body", format!("{error}"));
    }
    let hint = match std::str::from_utf8(bytes) {
        Ok("") => "; the body is empty",
        Ok(text) if ["NaN", "Infinity", "nan"].iter().any(|word| text.contains(word)) => {
            "; NaN and Infinity are not JSON: send null for a missing value, and set predict.missing = \"nan\" to allow it"
        }
        _ => "",
    };
    Problem::new(StatusCode::BAD_REQUEST, "Not JSON", format!("the body is not JSON: {error}{hint}"))
}

/// The loaded model, if it is the requested one.
fn loaded_model(app: &App, asked: Option<&str>) -> Result<Arc<Model>, Problem> {
    let model = app.engine.model.load_full().ok_or_else(Problem::no_model)?;
    let info = model.info();
    let is_it = |asked: &str| match asked.split_once('@') {
        Some((name, alias)) => name == info.name && (alias == info.version || alias == app.version_of(info)),
        None => asked == info.name,
    };
    match asked {
        // The catalog's active model may be a moment behind the shards' model; the requested model answers.
        Some(name) if !is_it(name) => app.models.active(name).ok_or_else(|| {
            Problem::new(
                StatusCode::NOT_FOUND,
                "Unknown model",
                format!("model {name:?} is not loaded; {}@{} is", info.name, info.version),
            )
        }),
        _ => Ok(model),
    }
}

/// The model for posted rows: the loaded one, the previous one or the shadow, as requested.
fn rows_model(app: &App, asked: Option<&str>) -> Result<Arc<Model>, Problem> {
    loaded_model(app, asked).or_else(|problem| asked.and_then(|asked| app.models.named(asked)).ok_or(problem))
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

/// The problem if another model made this prediction than the request names. The shards score by the named model, so
/// the other one is the baseline that replaces it.
fn other_model(model: &Model, prediction: &engine::prediction::Prediction) -> Option<Problem> {
    let (asked, other) = (model.info(), prediction.model.as_ref()?);
    (other.sha256 != asked.sha256).then(|| {
        let detail = format!(
            "{} is answered by {}@{}, which stands in for {}@{} while that does worse (quality.fallback); ask without \
             \"model\" to be answered",
            prediction.symbol.name, other.name, other.version, asked.name, asked.version
        );
        Problem::new(StatusCode::CONFLICT, "Another model answers", detail)
    })
}

/// The error that replaces a prediction in a list.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "SymbolProblem")]
struct ItemError<'a> {
    symbol: &'a str,
    status: u16,
    error: &'a str,
    detail: &'a str,
}

/// A name in the request's list, and the number of its partitions that this instance holds.
struct Listed {
    symbol: Arc<Symbol>,
    is_split: bool,
    keys: usize,
}

/// The index of the newest of `answers`, which are those of one symbol.
fn newest(answers: &[Option<Arc<Answer>>]) -> Option<usize> {
    let stamp = |i: &usize| answers[*i].as_ref().map(|answer| Stamp::of(&answer.prediction));
    (0..answers.len()).filter(|i| answers[*i].is_some()).max_by_key(stamp)
}

async fn predict_symbols(
    asker: Asker<'_>,
    raw: &RawValue,
    asked: Asked<'_>,
) -> Result<Response<Body>, Problem> {
    let app = asker.app;
    let model = loaded_model(app, asked.model)?;
    let names = read_symbols(raw, app.config.predict.rows_max)?;
    let mut keys = Vec::with_capacity(names.len());
    let locate = |name: &Cow<'_, str>| {
        let (symbol, place) = app.engine.locate(name)?;
        let before = keys.len();
        if place.is_split {
            keys.extend(other_instances::keys(app, &symbol));
        } else {
            keys.push(SymbolKey { partition: place.partition, symbol: symbol.id });
        }
        Ok(Listed { symbol, is_split: place.is_split, keys: keys.len() - before })
    };
    let listed: Vec<Result<Listed, ResolveError>> = names.iter().map(locate).collect();
    let (answers, explanations) = if asked.explain {
        check_count(app, keys.len())?;
        explained_symbols(app, &model, &keys, asked.deadline).await?
    } else {
        (app.engine.predict(&keys, Some(&model), asked.deadline).await?, Vec::new())
    };
    let mut others = match ask_others(asker, &listed, &answers, asked).await {
        other_instances::Listed::Redirect(response) => return Ok(response),
        other_instances::Listed::Items(items) => items,
    };
    let now_nanos = wall_clock_nanos();
    let mut counts = PredictionCounts::default();
    let mut bytes = Vec::with_capacity(64 + 768 * names.len());
    bytes.extend_from_slice(b"{\"predictions\":[");
    let mut at = 0;
    for (i, (name, listed)) in names.iter().zip(listed).enumerate() {
        if i > 0 {
            bytes.push(b',');
        }
        let problem = match (others.remove(&i), listed) {
            (Some(Item::Written(item)), Ok(listed)) => {
                at += listed.keys;
                bytes.extend_from_slice(&item);
                continue;
            }
            (Some(Item::Problem(problem)), Ok(listed)) => {
                at += listed.keys;
                problem
            }
            (None, Ok(listed)) => {
                let found = newest(&answers[at..at + listed.keys]).map(|newest| at + newest);
                at += listed.keys;
                let found = found.and_then(|found| Some((found, answers[found].as_ref()?)));
                let pinned = asked.model.map(|_| &*model);
                let other =
                    pinned.zip(found).and_then(|(model, (_, answer))| other_model(model, &answer.prediction));
                match (found, other) {
                    (_, Some(problem)) => problem,
                    (Some((found, answer)), None) => {
                        let count = PredictionCounts::of(answer.prediction.spike());
                        match &answer.prediction.model {
                            // The baseline that replaces the loaded model.
                            Some(info) if info.sha256 != model.info().sha256 => {
                                app.metrics.predictions.add(app.version_of(info), count);
                            }
                            _ => counts.add(count),
                        }
                        write_prediction(&mut bytes, app, answer, now_nanos);
                        if asked.explain {
                            add_explanation(&mut bytes, &explanations[found]);
                        }
                        continue;
                    }
                    (None, None) => other_instances::no_owner(asker, &listed.symbol),
                }
            }
            (_, Err(error)) => other_instances::unknown_symbol(asker, error),
        };
        let status = problem.status().as_u16();
        let item = ItemError { symbol: name, status, error: problem.error(), detail: problem.detail() };
        serde_json::to_writer(&mut bytes, &item).expect("a Vec takes every write and strings are JSON");
    }
    bytes.extend_from_slice(b"]}");
    app.metrics.predictions.add(app.version_of(model.info()), counts);
    Ok(reply(StatusCode::OK, JSON, bytes))
}

/// The answers of other instances for symbols that have no state here, or not their only one.
async fn ask_others(
    asker: Asker<'_>,
    listed: &[Result<Listed, ResolveError>],
    answers: &[Option<Arc<Answer>>],
    asked: Asked<'_>,
) -> other_instances::Listed {
    let mut wanted = Vec::new();
    let mut at = 0;
    for (index, listed) in listed.iter().enumerate() {
        let Ok(Listed { symbol, is_split, keys }) = listed else { continue };
        let answers = &answers[at..at + keys];
        at += keys;
        if *is_split || answers.iter().all(Option::is_none) {
            let here = newest(answers).and_then(|i| Some(Stamp::of(&answers[i].as_ref()?.prediction)));
            wanted.push(Wanted { index, symbol, here });
        }
    }
    if wanted.is_empty() {
        return other_instances::Listed::Items(BTreeMap::new());
    }
    let form = ListForm { model: asked.model, explain: asked.explain };
    other_instances::ask_for_list(asker, &wanted, listed.len(), form).await
}
