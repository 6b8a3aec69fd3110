//! `GET /symbols`: what is live and how it stands.

use engine::message::SymbolSummary;
use hyper::{Method, StatusCode};
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{answer::wall_clock_nanos, app::App, reply::json, route::Route};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { method: Method::GET, route: Route::Exact("/symbols"), observed: Observed::Ordinary, handle };

/// A symbol's state, for people and tools.
#[derive(Serialize)]
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
}

impl<'a> SymbolBody<'a> {
    pub(super) fn new(app: &App, summary: &'a SymbolSummary, now_nanos: i64) -> Self {
        let age_ms = (now_nanos - summary.newest_tick.nanos()).max(0) / 1_000_000;
        let is_stale = age_ms as f64 > app.config.predict.stale_after_s.get() * 1_000.0;
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
            price: summary.price.units() as f64 / engine::tick::UNITS_PER_ONE as f64,
            as_of: summary.newest_tick.to_string(),
            age_ms,
            ticks_accepted: summary.ticks_accepted,
            partition: summary.key.partition.0,
            shard: app.engine.routes.shard_of(summary.key.partition),
        }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    symbols: Vec<SymbolBody<'a>>,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let summaries = call.app.engine.summaries(call.deadline()).await?;
        let now_nanos = wall_clock_nanos();
        let symbols = summaries.iter().map(|s| SymbolBody::new(call.app, s, now_nanos)).collect();
        Ok(json(StatusCode::OK, &Answer { symbols }))
    })
}
