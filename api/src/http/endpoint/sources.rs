//! `GET /sources`: what feeds the engine, whether it does so now, and what came of it.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use engine::{
    live_report::ConnectionReport,
    metrics::{NumberCell, ShardMetrics},
};
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
    /// `simulator`, `file`, `kafka` or `live`.
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
    /// Of live feeds: each connection.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    connections: Vec<LiveConnection>,
}

/// A connection of a live feed, over all of its sockets.
#[derive(JsonSchema, Serialize)]
struct LiveConnection {
    venue: &'static str,
    connection: u32,
    /// `connecting`, `subscribing`, `live`, `silent` (nothing comes, a ping asks whether the venue is there) or
    /// `backing_off`.
    state: &'static str,
    /// When that began.
    since: String,
    /// Why its last socket ended, in the venue's own words where it said any.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What the venue last said beside ticks and answers, such as maintenance, or why a backfill is not whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<String>,
    products: Vec<String>,
    /// Products that the venue refuses, with its words.
    refused: BTreeMap<String, String>,
    messages: u64,
    /// `null` before the first message.
    last_message_age_ms: Option<u64>,
    /// Messages or trades missing by the connection's or the products' own numbers.
    missing: u64,
    /// Of these, the trades missing by a product's own numbers.
    missing_of: BTreeMap<String, u64>,
    /// Sockets opened after the first one.
    reconnects: u64,
    /// Messages that came by two overlapping sockets.
    doubled: u64,
    /// Past trades taken by REST.
    backfilled: u64,
    /// At the newest tick, the wall clock less the venue's own time.
    lag_ms: f64,
}

impl LiveConnection {
    fn of(report: &ConnectionReport) -> Self {
        let standing = report.standing();
        let since = jiff::Timestamp::try_from(standing.since).unwrap_or_default();
        let count = |counter: &AtomicU64| counter.load(Relaxed);
        Self {
            venue: report.venue,
            connection: report.number,
            state: standing.state.name(),
            since: format!("{since:.3}"),
            reason: standing.reason,
            notice: standing.notice,
            products: report.products.clone(),
            refused: standing.refused,
            messages: count(&report.messages),
            last_message_age_ms: report
                .newest_message_ago()
                .map(|ago| u64::try_from(ago.as_millis()).unwrap_or(u64::MAX)),
            missing: count(&report.missing),
            missing_of: standing.missing_of,
            reconnects: count(&report.reconnects),
            doubled: count(&report.doubled),
            backfilled: count(&report.backfilled),
            lag_ms: (report.lag_seconds() * 1e6).round() / 1e3,
        }
    }
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
            SourceKind::Live => metrics.live.is_connected(),
            _ => state == SourceState::Running,
        },
        reason: match state {
            SourceState::Failed(why) => Some(why),
            SourceState::Running | SourceState::Finished => {
                app.lanes.trouble().or_else(|| metrics.live.troubles().into_iter().next())
            }
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
        connections: metrics.live.connections().iter().map(|report| LiveConnection::of(report)).collect(),
    }
}
