//! `GET /symbols`: the live symbols and their state; with `?all` also those that other instances own.

use std::collections::HashSet;

use engine::{
    message::SymbolSummary,
    symbol::{SymbolId, SymbolKey},
};
use hyper::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{
    answer::wall_clock_nanos,
    app::App,
    describe::{self, Doc, Parameter, Place, Tag, of},
    feed::{age_ms, is_stale},
    reply::json,
    route::{Route, query_value},
};

const DOC: Doc = Doc {
    tag: Tag::State,
    summary: "Which symbols live here, and how each stands.",
    description: "",
    parameters: &[Parameter {
        name: "all",
        place: Place::Query,
        description: "Given, also the partitions that other instances own.",
        schema: of::<Option<String>>,
    }],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "The symbols, by name.",
        media: &[describe::json_of::<Answer<'_>>()],
    }],
    errors: &[503, 504],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/symbols"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

/// A symbol's state.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Symbol")]
pub(super) struct SymbolBody<'a> {
    symbol: &'a str,
    venue: &'a str,
    product: &'a str,
    simulated: bool,
    status: &'static str,
    warm: f64,
    price: f64,
    as_of: String,
    age_ms: i64,
    ticks_accepted: u64,
    partition: u32,
    shard: Option<usize>,
    /// Its partitions if it is split over several; each has part of the ticks and its own state.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    partitions: Vec<u32>,
}

impl<'a> SymbolBody<'a> {
    pub(super) fn new(app: &App, summary: &'a SymbolSummary, now_nanos: i64) -> Self {
        let age_ms = age_ms(summary.newest_tick, now_nanos);
        let is_stale = is_stale(age_ms, app.config.predict.stale_after_s.duration());
        Self {
            symbol: &summary.symbol.name,
            venue: summary.symbol.venue(),
            product: summary.symbol.product(),
            simulated: summary.symbol.is_simulated(),
            status: match (summary.ready, is_stale) {
                (false, _) => "warming",
                (true, true) => "stale",
                (true, false) => "ok",
            },
            warm: summary.warm,
            price: summary.price,
            as_of: summary.newest_tick.to_string(),
            age_ms,
            ticks_accepted: summary.ticks_accepted,
            partition: summary.key.partition.0,
            shard: app.engine.routes.shard_of(summary.key.partition),
            partitions: split_over(app, summary.key.symbol),
        }
    }
}

/// The partitions of a split symbol; empty for any other.
fn split_over(app: &App, symbol: SymbolId) -> Vec<u32> {
    let routes = &app.engine.routes;
    match routes.place_of(symbol) {
        Some(place) if place.is_split => routes.partitions_of(symbol).into_iter().map(|p| p.0).collect(),
        _ => Vec::new(),
    }
}

/// A symbol's partition that another instance owns.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "SymbolElsewhere")]
struct Elsewhere {
    symbol: String,
    partition: u32,
    /// The owner's name; `null` if the owner is unknown.
    instance: Option<String>,
    url: Option<String>,
}

/// Symbols in the table of owners that are not among these keys, sorted by name.
fn elsewhere(app: &App, here: &HashSet<SymbolKey>) -> Vec<Elsewhere> {
    let engine = &app.engine;
    let owners = engine.owners.all();
    let mut all = Vec::new();
    for symbol in engine.symbols.all() {
        for partition in engine.routes.partitions_of(symbol.id) {
            if here.contains(&SymbolKey { partition, symbol: symbol.id }) {
                continue;
            }
            let owner = owners.get(&partition.0);
            all.push(Elsewhere {
                symbol: symbol.name.to_string(),
                partition: partition.0,
                instance: owner.map(|owner| owner.instance.clone()),
                url: owner.map(|owner| owner.url.clone()),
            });
        }
    }
    all.sort_by(|a, b| (&a.symbol, a.partition).cmp(&(&b.symbol, b.partition)));
    all
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Symbols")]
struct Answer<'a> {
    symbols: Vec<SymbolBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elsewhere: Option<Vec<Elsewhere>>,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let summaries = call.app.engine.summaries(call.deadline()).await?;
        let now_nanos = wall_clock_nanos();
        let symbols = summaries.iter().map(|s| SymbolBody::new(call.app, s, now_nanos)).collect();
        let elsewhere = query_value(call.head.uri.query(), "all")
            .map(|_| elsewhere(call.app, &summaries.iter().map(|summary| summary.key).collect()));
        Ok(json(StatusCode::OK, &Answer { symbols, elsewhere }))
    })
}
