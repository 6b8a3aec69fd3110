//! `GET /predict/{symbol}/history`: what was predicted for a symbol, and what came of it, as JSON or CSV.

use std::fmt::Write;

use engine::{
    state::history::{HISTORY_BYTES_MAX, HISTORY_MINUTES_MAX, Told},
    tick::{EventTime, NANOS_PER_SECOND},
};
use hyper::{Method, StatusCode, header::ACCEPT};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{
    describe::{self, Doc, Parameter, Place, Tag, of},
    other_instances::{self, REDIRECT, Stamp},
    problem::Problem,
    reply::{json, reply},
    route::{Route, query_value},
};

const ROUTE: Route =
    Route::Symbol { label: "/predict/{symbol}/history", before: "/predict/", after: "/history" };

/// The content type of the table.
const CSV: &str = "text/csv";
const MINUTES_DEFAULT: u32 = 60;
const _: () = assert!(HISTORY_BYTES_MAX <= 64 << 10, "the description says how much it is");

const DOC: Doc = Doc {
    tag: Tag::Predictions,
    summary: "What was predicted for a symbol, and what came of it.",
    description: "One point each five seconds of event time for the last hour, one in five minutes for the last day: the \
                  answer's step_s says which. The history takes at most 64 KiB of memory a symbol, and is in the snapshots.",
    parameters: &[
        Parameter {
            name: "minutes",
            place: Place::Query,
            description: "How far back, 1 to 1440; 60 if left out. Beyond 60 the points are five minutes apart.",
            schema: of::<Option<u32>>,
        },
        Parameter {
            name: "format",
            place: Place::Query,
            description: "json or csv. If left out, csv where Accept asks for text/csv alone.",
            schema: of::<Option<String>>,
        },
    ],
    body: None,
    answers: &[
        describe::Answer {
            status: 200,
            description: "The points, oldest first.",
            media: &[describe::json_of::<Answer>(), describe::text(CSV)],
        },
        REDIRECT,
    ],
    errors: &[400, 404, 409, 422, 503, 504],
};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { method: Method::GET, route: ROUTE, observed: Observed::Ordinary, doc: &DOC, handle };

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "History")]
struct Answer {
    symbol: String,
    /// Event time of the symbol's newest tick.
    as_of: String,
    partition: u32,
    horizon_s: u32,
    /// Seconds from a point to the next, where none is missing.
    step_s: i64,
    points: Vec<PointBody>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "HistoryPoint")]
struct PointBody {
    /// Event time.
    time: String,
    /// The mid, or the newest trade's price where there is no quote.
    price: f64,
    /// `null` while the symbol warmed up.
    probability: Option<f32>,
    /// Whether the probability had reached the model's threshold.
    alert: bool,
    /// The volatility that counts as a spike, basis points per square-root second, as all that follow.
    tau_bp: Option<f32>,
    /// The forecast of the volatility of the horizon after this time.
    forecast_bp: Option<f32>,
    /// The lower end of its interval.
    low_bp: Option<f32>,
    /// The upper end of its interval.
    high_bp: Option<f32>,
    /// What that volatility was; `null` until the horizon is over, and where ticks were missing.
    realised_bp: Option<f32>,
    /// Whether it was a spike: `realised_bp` above `tau_bp`.
    spike: Option<bool>,
    /// Whether the feed had a gap between the point before and this one.
    gap: bool,
    /// The first sixteen digits of the SHA-256 of the model that scored.
    model: Option<String>,
}

impl PointBody {
    fn new(told: &Told) -> Self {
        let point = &told.point;
        let known = |value: f32| (!value.is_nan()).then_some(value);
        let (tau_bp, realised_bp) = (known(point.tau_bp), known(point.realised_bp));
        let time = EventTime::from_nanos(point.second.saturating_mul(NANOS_PER_SECOND));
        Self {
            time: time.unwrap_or(EventTime::MIN).to_string(),
            price: point.price,
            probability: known(point.probability),
            alert: point.is_alert,
            tau_bp,
            forecast_bp: known(point.forecast_bp),
            low_bp: known(point.low_bp),
            high_bp: known(point.high_bp),
            realised_bp,
            spike: realised_bp.zip(tau_bp).map(|(realised, tau)| realised > tau),
            gap: point.is_after_gap,
            model: told.model.map(|hash| format!("{hash:016x}")),
        }
    }
}

/// The points as a table, its header first; a cell is empty where JSON has `null`.
fn table(points: &[PointBody]) -> String {
    fn cell<T: ToString>(value: Option<T>) -> String {
        value.map_or_else(String::new, |value| value.to_string())
    }
    let mut text =
        "time,price,probability,alert,tau_bp,forecast_bp,low_bp,high_bp,realised_bp,spike,gap,model\n"
            .to_owned();
    for point in points {
        let numbers = [point.tau_bp, point.forecast_bp, point.low_bp, point.high_bp, point.realised_bp]
            .map(cell)
            .join(",");
        writeln!(
            text,
            "{},{},{},{},{numbers},{},{},{}",
            point.time,
            point.price,
            cell(point.probability),
            point.alert,
            cell(point.spike),
            point.gap,
            point.model.as_deref().unwrap_or_default()
        )
        .expect("a string takes every character");
    }
    text
}

fn asked_minutes(text: Option<&str>) -> Result<u32, Problem> {
    let Some(text) = text else { return Ok(MINUTES_DEFAULT) };
    let minutes = text.parse().ok().filter(|minutes| (1..=HISTORY_MINUTES_MAX).contains(minutes));
    minutes.ok_or_else(|| {
        let detail = format!("minutes={text}: it is a number from 1 to {HISTORY_MINUTES_MAX}");
        Problem::unprocessable("Unknown time span", detail)
    })
}

fn asks_for_table(call: &Call<'_>) -> Result<bool, Problem> {
    match query_value(call.head.uri.query(), "format") {
        Some("json") => Ok(false),
        Some("csv") => Ok(true),
        Some(other) => {
            Err(Problem::unprocessable("Unknown format", format!("format={other}: it is json or csv")))
        }
        None => {
            Ok(call.head.headers.get(ACCEPT).is_some_and(|accepted| accepted.as_bytes() == CSV.as_bytes()))
        }
    }
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let (asker, query) = (call.asker(), call.head.uri.query());
        let minutes = asked_minutes(query_value(query, "minutes"))?;
        let is_table = asks_for_table(&call)?;
        let located = call.app.engine.locate(&call.symbol);
        let (symbol, place) = located.map_err(|error| other_instances::unknown_symbol(asker, error))?;
        let mut answers = Vec::new();
        for key in other_instances::keys_here(call.app, &symbol, &place) {
            answers.extend(call.app.engine.history(key, minutes, asker.deadline).await?);
        }
        let Some(answer) = answers.into_iter().max_by_key(|answer| Stamp::of(&answer.prediction)) else {
            return other_instances::answer_of_owner(asker, ROUTE, &symbol, query).await;
        };
        let here = Stamp::of(&answer.prediction);
        if place.is_split
            && let Some(newer) = other_instances::newer_answer(asker, ROUTE, &symbol, query, here).await
        {
            return Ok(newer);
        }
        let points: Vec<PointBody> = answer.points.iter().map(PointBody::new).collect();
        if is_table {
            return Ok(reply(StatusCode::OK, CSV, table(&points)));
        }
        let body = Answer {
            symbol: symbol.name.to_string(),
            as_of: answer.prediction.scored.as_of.to_string(),
            partition: answer.prediction.position().partition.0,
            horizon_s: call.app.config.label.horizon_s,
            step_s: answer.step_s,
            points,
        };
        Ok(json(StatusCode::OK, &body))
    })
}
