//! `GET /sources`: what feeds the engine, whether it does so now, and what came of it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use engine::metrics::{NumberCell, ShardMetrics};
use hyper::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed};
use crate::{
    config::sections::SourceKind,
    http::{
        app::App,
        describe::{self, Doc, Tag},
        feed::{Feed, FeedBody},
        reply::json,
        route::Route,
        source_report::SourceState,
    },
};

const DOC: Doc = Doc {
    tag: Tag::State,
    summary: "What feeds the engine.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "The source with its counts since the start; no entry where there is none.",
        media: &[describe::json_of::<Answer>()],
    }],
    errors: &[],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/sources"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Sources")]
struct Answer {
    sources: Vec<Source>,
}

#[derive(JsonSchema, Serialize)]
struct Source {
    /// `simulator`, `file` or `kafka`.
    source: &'static str,
    /// `running`, `finished` or `failed`.
    state: &'static str,
    /// When that began.
    since: String,
    /// Why it failed; of Kafka, what keeps it from getting anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What became of its records, once it has ended: how many there were, how many ticks, and what was dropped or could
    /// not be read, for which reason and where first.
    #[serde(skip_serializing_if = "Option::is_none")]
    sum: Option<String>,
    /// Whether it can give ticks now: of Kafka, whether a broker answers.
    connected: bool,
    /// How fresh its ticks are.
    feed: FeedBody,
    /// Of Kafka: records of this instance's partitions that are not committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_records: Option<i64>,
    ticks: Ticks,
    /// Of the kinds that carry none, which the metric `stormglass_records_without_tick_total` tells apart.
    records_without_tick: u64,
    times_zoneless: u64,
    /// Messages missing by their sequence numbers.
    sequence_missing: u64,
    gaps: u64,
}

/// By what became of them.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "SourceTicks")]
struct Ticks {
    accepted: u64,
    late: u64,
    repeated: u64,
    jump: u64,
    outlier: u64,
    unreadable: u64,
    /// Of symbols beyond `engine.symbols_max`.
    refused: u64,
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let app = call.app;
        let sources = match app.config.source.kind {
            SourceKind::None => Vec::new(),
            kind => vec![describe_source(app, kind)],
        };
        Ok(json(StatusCode::OK, &Answer { sources }))
    })
}

fn describe_source(app: &App, kind: SourceKind) -> Source {
    let (state, metrics) = (app.source.state(), &app.engine.metrics);
    let sum = |counter: fn(&ShardMetrics) -> &NumberCell| -> u64 {
        metrics.shards.iter().map(|shard| counter(shard).get()).sum()
    };
    let ingest = |counter: &AtomicU64| counter.load(Relaxed);
    Source {
        source: kind.name(),
        state: state.name(),
        since: format!("{:.3}", app.source.since()),
        connected: match kind {
            SourceKind::Kafka => metrics.lanes.is_connected(),
            _ => state == SourceState::Running,
        },
        reason: match state {
            SourceState::Failed(why) => Some(why),
            SourceState::Running | SourceState::Finished => app.lanes.trouble(),
        },
        sum: app.source.sum(),
        feed: (&Feed::of(app)).into(),
        lag_records: (kind == SourceKind::Kafka).then(|| metrics.lanes.lag_records.load(Relaxed)),
        ticks: Ticks {
            accepted: metrics.ticks_accepted(),
            late: sum(|shard| &shard.ticks_late),
            repeated: sum(|shard| &shard.ticks_repeated),
            jump: sum(|shard| &shard.ticks_jump),
            outlier: sum(|shard| &shard.ticks_outlier),
            unreadable: metrics.ingest.unreadable_total(),
            refused: ingest(&metrics.ingest.ticks_refused),
        },
        records_without_tick: metrics.ingest.without_tick_total(),
        times_zoneless: ingest(&metrics.ingest.times_zoneless),
        sequence_missing: ingest(&metrics.ingest.sequence_missing),
        gaps: sum(|shard| &shard.gaps),
    }
}
