//! The list: name, shape, meaning, and how each is read.

use std::sync::atomic::{AtomicU64, Ordering};

use engine::{
    file_writes::FileWrites,
    quality::report::{Quality, VolatilityQuality},
};
use model::ModelInfo;

use super::{
    families::{Series, Shape, Value},
    process::{ProcessUse, process_use},
};
use crate::{build_info, http::App};

/// A declared metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name; unit and `_total` last.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub shape: Shape,
    /// What it means, in one sentence.
    pub help: &'static str,
    /// Its values now.
    pub read: fn(&App) -> Vec<Series>,
}

/// The names of all metrics, the engine's too.
pub fn names() -> Vec<&'static str> {
    METRICS.iter().map(|m| m.name).chain(engine::metrics::METRICS.iter().map(|m| m.name)).collect()
}

/// All of the service's own metrics, in the order they are shown.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "http_requests_total",
        shape: Shape::Counter,
        help: "Requests by method, route and status; probes and scrapes stay out.",
        read: |app| {
            let series = |(method, endpoint, status, count): (&str, &str, String, u64)| Series {
                labels: vec![
                    ("method", method.to_owned()),
                    ("endpoint", endpoint.to_owned()),
                    ("status", status),
                ],
                value: Value::Number(count as f64),
            };
            app.metrics.requests.read().into_iter().map(series).collect()
        },
    },
    Metric {
        name: "prediction_latency_seconds",
        shape: Shape::Histogram,
        help: "Seconds from the head of a request for predictions to its answer, by whichever protocol.",
        read: |app| {
            let (cumulative, count, sum) = app.metrics.latency.read();
            vec![Series { labels: Vec::new(), value: Value::Distribution { cumulative, count, sum } }]
        },
    },
    Metric {
        name: "predictions_total",
        shape: Shape::Counter,
        help: "Predictions answered over HTTP, by the model's version and the answer (1 = spike).",
        read: predictions_total,
    },
    Metric {
        name: "model_loaded",
        shape: Shape::Gauge,
        help: "1 while a model is loaded; model_version=\"none\" is 0 without one.",
        read: |app| match app.engine.model.load_full() {
            Some(model) => labelled("model_version", app.version_of(model.info()), 1.0),
            None => labelled("model_version", "none", 0.0),
        },
    },
    Metric {
        name: "model_variant_active",
        shape: Shape::Gauge,
        help: "1 for the variant that is in use.",
        read: |app| {
            let model = app.engine.model.load_full();
            let active = model.as_deref().map(|m| m.info().variant.as_str());
            let series = |variant: &str| {
                labelled("model_variant", variant, f64::from(u8::from(active == Some(variant))))
            };
            ["ml", "baseline"].into_iter().flat_map(series).collect()
        },
    },
    Metric {
        name: "stormglass_model_swaps_total",
        shape: Shape::Counter,
        help: "Changes of the model that were asked for, by what came of them; dry runs stay out.",
        read: |app| {
            let series = |(outcome, count): (&str, u64)| labelled("outcome", outcome, count as f64);
            app.models.swaps.read().into_iter().flat_map(series).collect()
        },
    },
    Metric {
        name: "stormglass_runtime_info",
        shape: Shape::Gauge,
        help: "1, with the runtime that drives the shards and why it was chosen.",
        read: |app| {
            let runtime = &app.engine.runtime;
            let labels = vec![("runtime", runtime.name.to_owned()), ("reason", runtime.reason.clone())];
            vec![Series { labels, value: Value::Number(1.0) }]
        },
    },
    Metric {
        name: "stormglass_build_info",
        shape: Shape::Gauge,
        help: "1, with the version and commit of the binary.",
        read: |_| {
            let labels =
                vec![("version", build_info::VERSION.to_owned()), ("sha", build_info::SHA.to_owned())];
            vec![Series { labels, value: Value::Number(1.0) }]
        },
    },
    Metric {
        name: "stormglass_source_info",
        shape: Shape::Gauge,
        help: "1, with where ticks come from.",
        read: |app| labelled("source", app.config.source.kind.name(), 1.0),
    },
    Metric {
        name: "stormglass_ready",
        shape: Shape::Gauge,
        help: "1 while /readyz answers 200.",
        read: |app| {
            let ready = crate::http::condition::Condition::of(app).is_ready();
            one(f64::from(u8::from(ready)))
        },
    },
    Metric {
        name: "stormglass_shards_alive",
        shape: Shape::Gauge,
        help: "Shards that run.",
        read: |app| one(app.shards_alive() as f64),
    },
    Metric {
        name: "stormglass_http_connections",
        shape: Shape::Gauge,
        help: "Open HTTP connections.",
        read: |app| one(app.connections_open() as f64),
    },
    Metric {
        name: "stormglass_http_connections_refused_total",
        shape: Shape::Counter,
        help: "Connections beyond server.connections_max: probes are answered, others 503, and they are closed.",
        read: |app| one(app.metrics.connections_refused.load(Ordering::Relaxed) as f64),
    },
    Metric {
        name: "stormglass_http_connections_stalled_total",
        shape: Shape::Counter,
        help: "Connections ended because the client took nothing for server.write_timeout_s.",
        read: |app| one(app.metrics.connections_stalled.load(Ordering::Relaxed) as f64),
    },
    Metric {
        name: "stormglass_http_bodies_bytes",
        shape: Shape::Gauge,
        help: "Bytes of the request bodies that are held, of server.bodies_max_bytes.",
        read: |app| one(app.metrics.bodies_bytes.load(Ordering::Relaxed) as f64),
    },
    Metric {
        name: "stormglass_http_forwards_total",
        shape: Shape::Counter,
        help: "Questions about symbols that another instance owns, by what came of them.",
        read: |app| {
            let forwards = &app.metrics.forwards;
            let series = |(outcome, count): (&str, &AtomicU64)| {
                labelled("outcome", outcome, count.load(Ordering::Relaxed) as f64)
            };
            let outcomes = [
                ("answered", &forwards.answered),
                ("unanswered", &forwards.unanswered),
                ("refused", &forwards.refused),
                ("redirected", &forwards.redirected),
            ];
            outcomes.into_iter().flat_map(series).collect()
        },
    },
    Metric {
        name: "stormglass_quality_rows",
        shape: Shape::Gauge,
        help: "Predictions of the window of live quality whose outcome is known, by model.",
        read: |app| quality(app, |q| Some(q.rows as f64)),
    },
    Metric {
        name: "stormglass_quality_base_rate",
        shape: Shape::Gauge,
        help: "Share of them that spiked: the average precision of a random score.",
        read: |app| quality(app, |q| known(q, q.base_rate)),
    },
    Metric {
        name: "stormglass_quality_average_precision",
        shape: Shape::Gauge,
        help: "Average precision over the window.",
        read: |app| quality(app, |q| q.average_precision),
    },
    Metric {
        name: "stormglass_quality_persistence_average_precision",
        shape: Shape::Gauge,
        help: "Average precision of persistence over the same rows: what the model must beat.",
        read: |app| quality(app, |q| q.persistence_average_precision),
    },
    Metric {
        name: "stormglass_quality_brier",
        shape: Shape::Gauge,
        help: "Brier score over the window; lower is better.",
        read: |app| quality(app, |q| known(q, q.brier)),
    },
    Metric {
        name: "stormglass_quality_ece",
        shape: Shape::Gauge,
        help: "Expected calibration error over the window; lower is better.",
        read: |app| quality(app, |q| known(q, q.calibration_error)),
    },
    Metric {
        name: "stormglass_quality_alerts",
        shape: Shape::Gauge,
        help: "Alerts over the window: rises to the threshold, one a horizon at most, and only once the probability has been below 0.8 of it since.",
        read: |app| quality(app, |q| Some(q.alerts as f64)),
    },
    Metric {
        name: "stormglass_quality_rows_dropped_total",
        shape: Shape::Counter,
        help: "Rows that left the window before their time, because quality.rows_max was reached.",
        read: |app| one(app.quality.newest().map_or(0.0, |report| report.rows_dropped as f64)),
    },
    Metric {
        name: "stormglass_volatility_coverage",
        shape: Shape::Gauge,
        help: "Share of outcomes inside the interval of the volatility forecast over the window; 0.9 is promised.",
        read: |app| volatility(app, |volatility| volatility.coverage),
    },
    Metric {
        name: "stormglass_volatility_interval_width",
        shape: Shape::Gauge,
        help: "Mean width of the interval of the volatility forecast over the window, per square-root second (1e-4 is a basis point); a wide interval tells little.",
        read: |app| volatility(app, |volatility| volatility.mean_width),
    },
    Metric {
        name: "stormglass_volatility_interval_score",
        shape: Shape::Gauge,
        help: "Mean interval score of the volatility forecast over the window, per square-root second: the width, and 20 times the distance of outcomes outside; lower is better.",
        read: |app| volatility(app, |volatility| volatility.interval_score),
    },
    Metric {
        name: "stormglass_file_writes_failing",
        shape: Shape::Gauge,
        help: "1 while files that the service keeps cannot be written, by the key that says where they are.",
        read: |app| {
            let failing = |(key, writes): (&str, &FileWrites)| {
                labelled("files", key, f64::from(u8::from(writes.failure().is_some())))
            };
            app.kept_files().into_iter().flat_map(failing).collect()
        },
    },
    Metric {
        name: "stormglass_file_writes_failed_total",
        shape: Shape::Counter,
        help: "Writes of such files, and trials of their disks, that failed.",
        read: |app| {
            let failed =
                |(key, writes): (&str, &FileWrites)| labelled("files", key, writes.failed_total() as f64);
            app.kept_files().into_iter().flat_map(failed).collect()
        },
    },
    Metric {
        name: "stormglass_events_total",
        shape: Shape::Counter,
        help: "What happened to the service, by kind; GET /events has the newest of each.",
        read: |app| {
            let series = |(kind, count): (&str, u64)| labelled("kind", kind, count as f64);
            app.engine.events.counts().into_iter().flat_map(series).collect()
        },
    },
    Metric {
        name: "stormglass_stream_watchers",
        shape: Shape::Gauge,
        help: "Clients that watch /stream.",
        read: |app| one(app.live.watchers() as f64),
    },
    Metric {
        name: "stormglass_log_lines_suppressed_total",
        shape: Shape::Counter,
        help: "Log lines that were not written because the same line was repeated too often.",
        read: |_| one(crate::log::suppressed_total() as f64),
    },
    Metric {
        name: "process_resident_memory_bytes",
        shape: Shape::Gauge,
        help: "Resident memory of the process.",
        read: |_| used(|p| p.resident_bytes),
    },
    Metric {
        name: "process_cpu_seconds_total",
        shape: Shape::Counter,
        help: "CPU time of the process, user and system.",
        read: |_| used(|p| p.cpu_seconds),
    },
    Metric {
        name: "process_open_fds",
        shape: Shape::Gauge,
        help: "Open file descriptors.",
        read: |_| used(|p| p.open_files),
    },
    Metric {
        name: "process_max_fds",
        shape: Shape::Gauge,
        help: "File descriptors the process may open.",
        read: |_| used(|p| p.open_files_max),
    },
    Metric {
        name: "process_start_time_seconds",
        shape: Shape::Gauge,
        help: "When the process started, seconds since 1970-01-01.",
        read: |_| used(|p| p.start_time_s),
    },
];

fn predictions_total(app: &App) -> Vec<Series> {
    let mut counts = app.metrics.predictions.read();
    if let Some(model) = app.engine.model.load_full() {
        let version = app.version_of(model.info());
        if !counts.iter().any(|(v, ..)| v == version) {
            counts.push((version.to_owned(), 0, 0));
        }
    }
    let series = |version: &str, prediction: &str, count: u64| Series {
        labels: vec![("model_version", version.to_owned()), ("prediction", prediction.to_owned())],
        value: Value::Number(count as f64),
    };
    counts.iter().flat_map(|(v, spikes, calms)| [series(v, "0", *calms), series(v, "1", *spikes)]).collect()
}

/// A number of each model's live quality; a model that is loaded and has no row yet counts as one without rows.
fn quality(app: &App, number: impl Fn(&Quality) -> Option<f64>) -> Vec<Series> {
    let series = |info: &ModelInfo, quality: &Quality| {
        let labels = vec![
            ("model", info.name.clone()),
            ("model_version", info.version.clone()),
            ("model_variant", info.variant.clone()),
            ("sha256", info.sha256.get(..16).unwrap_or_default().to_owned()),
        ];
        number(quality).map(|value| Series { labels, value: Value::Number(value) })
    };
    let report = app.quality.newest().unwrap_or_default();
    let mut all: Vec<Series> = report.models.iter().filter_map(|m| series(&m.info, &m.total)).collect();
    if let Some(model) = app.engine.model.load_full()
        && report.models.iter().all(|known| !is_same(&known.info, model.info()))
    {
        all.extend(series(model.info(), &Quality::default()));
    }
    all
}

/// A shadow's rows are another series than those of the same file as the active model.
fn is_same(one: &ModelInfo, other: &ModelInfo) -> bool {
    (&one.sha256, &one.variant) == (&other.sha256, &other.variant)
}

/// A mean over no rows is no number.
fn known(quality: &Quality, value: f64) -> Option<f64> {
    (quality.rows > 0).then_some(value)
}

/// A number of the newest report's volatility forecasts, if it has any.
fn volatility(app: &App, number: fn(&VolatilityQuality) -> f64) -> Vec<Series> {
    let report = app.quality.newest();
    let known = report.iter().map(|report| &report.volatility).find(|volatility| volatility.rows > 0);
    known.map_or_else(Vec::new, |volatility| one(number(volatility)))
}

fn one(value: f64) -> Vec<Series> {
    vec![Series { labels: Vec::new(), value: Value::Number(value) }]
}

fn labelled(label: &'static str, text: &str, value: f64) -> Vec<Series> {
    vec![Series { labels: vec![(label, text.to_owned())], value: Value::Number(value) }]
}

fn used(field: fn(&ProcessUse) -> f64) -> Vec<Series> {
    one(field(&process_use()))
}
