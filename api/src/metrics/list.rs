//! The list of the service's metrics: name, shape, meaning, and how each is read.

use std::sync::atomic::{AtomicU64, Ordering};

use engine::{
    metrics::{Metric, Series, Value},
    quality::report::{Quality, VolatilityQuality},
};
use model::ModelInfo;

use super::process::process_use;
use crate::{
    build_info,
    http::{App, condition::Condition},
};

/// The names of all metrics, including the engine's.
pub fn names() -> Vec<&'static str> {
    METRICS.iter().map(|m| m.name).chain(engine::metrics::METRICS.iter().map(|m| m.name)).collect()
}

/// The service's own metrics, in the order in which they are shown.
pub const METRICS: &[Metric<App>] = engine::metric_rows! {
    Counter "http_requests_total": "Requests by method, route and status, without probes and scrapes."
        => requests_total;
    Histogram "prediction_latency_seconds":
        "Seconds from the head of a request for predictions to its answer, by whichever protocol."
        => |app| {
            let (cumulative, count, sum) = app.metrics.latency.read();
            vec![Series { labels: Vec::new(), value: Value::Distribution { cumulative, count, sum } }]
        };
    Counter "predictions_total": "Predictions answered over HTTP, by the model's version and the answer (1 = spike)."
        => predictions_total;
    Gauge "model_loaded": "1 while a model is loaded; model_version=\"none\" is 0 without one."
        => |app| match app.engine.model.load_full() {
            Some(model) => Series::by("model_version", [(app.version_of(model.info()), 1.0)]),
            None => Series::by("model_version", [("none", 0.0)]),
        };
    Gauge "model_variant_active": "1 for the variant in use."
        => |app| {
            let model = app.engine.model.load_full();
            let active = model.as_deref().map(|m| m.info().variant.as_str());
            Series::by("model_variant", ["ml", "baseline"].map(|variant| (variant, flag(active == Some(variant)))))
        };
    Counter "stormglass_model_swaps_total":
        "Requested changes of the model by outcome, without dry runs."
        => |app| {
            let values = app.models.swaps.read().into_iter().map(|(outcome, count)| (outcome, count as f64));
            Series::by("outcome", values)
        };
    Gauge "stormglass_runtime_info": "1, labelled with the runtime of the shards and the reason for it."
        => |app| {
            let runtime = &app.engine.runtime;
            let labels = [("runtime", runtime.name.to_owned()), ("reason", runtime.reason.clone())];
            vec![Series::new(labels, 1.0)]
        };
    Gauge "stormglass_build_info": "1, labelled with the version and commit of the binary."
        => |_| {
            let labels = [("version", build_info::VERSION.to_owned()), ("sha", build_info::SHA.to_owned())];
            vec![Series::new(labels, 1.0)]
        };
    Gauge "stormglass_source_info": "1, labelled with the source of ticks."
        => |app| Series::by("source", [(app.config.source.kind.name(), 1.0)]);
    Gauge "stormglass_ready": "1 while /readyz answers 200."
        => |app| Series::one(flag(Condition::of(app).is_ready()));
    Gauge "stormglass_shards_alive": "Running shards."
        => |app| Series::one(app.shards_alive() as f64);
    Gauge "stormglass_http_connections": "Open HTTP connections."
        => |app| Series::one(app.connections_open() as f64);
    Counter "stormglass_http_connections_refused_total":
        "Connections beyond server.connections_max: probes are answered, others 503, and they are closed."
        => |app| Series::one(load(&app.metrics.connections_refused));
    Counter "stormglass_http_connections_stalled_total":
        "Connections ended because the client took nothing for server.write_timeout_s."
        => |app| Series::one(load(&app.metrics.connections_stalled));
    Gauge "stormglass_http_bodies_bytes": "Bytes of the request bodies that are held, of server.bodies_max_bytes."
        => |app| Series::one(app.metrics.bodies_bytes.load(Ordering::Relaxed) as f64);
    Counter "stormglass_http_forwards_total":
        "Questions about symbols that another instance owns, by outcome."
        => |app| {
            let forwards = &app.metrics.forwards;
            Series::by("outcome", [
                ("answered", load(&forwards.answered)),
                ("unanswered", load(&forwards.unanswered)),
                ("refused", load(&forwards.refused)),
                ("redirected", load(&forwards.redirected)),
            ])
        };
    Gauge "stormglass_quality_rows": "Predictions in the window of live quality whose outcome is known, by model."
        => |app| quality(app, |q| Some(q.rows as f64));
    Gauge "stormglass_quality_base_rate": "Share of these predictions that a spike followed, which is the average precision of a random score."
        => |app| quality(app, |q| known(q, q.base_rate));
    Gauge "stormglass_quality_average_precision": "Average precision over the window."
        => |app| quality(app, |q| q.average_precision);
    Gauge "stormglass_quality_persistence_average_precision":
        "Average precision of persistence over the same rows, which the model must beat."
        => |app| quality(app, |q| q.persistence_average_precision);
    Gauge "stormglass_quality_brier": "Brier score over the window; lower is better."
        => |app| quality(app, |q| known(q, q.brier));
    Gauge "stormglass_quality_ece": "Expected calibration error over the window; lower is better."
        => |app| quality(app, |q| known(q, q.calibration_error));
    Gauge "stormglass_quality_alerts":
        "Alerts over the window: rises to the threshold, one a horizon at most, and only once the probability has been below 0.8 of it since."
        => |app| quality(app, |q| Some(q.alerts as f64));
    Counter "stormglass_quality_rows_dropped_total":
        "Rows dropped before they were older than the window, because quality.rows_max was reached."
        => |app| Series::one(app.quality.newest().map_or(0.0, |report| report.rows_dropped as f64));
    Gauge "stormglass_volatility_coverage":
        "Share of outcomes inside the interval of the volatility forecast over the window; the target is 0.9."
        => |app| volatility(app, |volatility| volatility.coverage);
    Gauge "stormglass_volatility_interval_width":
        "Mean width of the interval of the volatility forecast over the window, per square-root second (1e-4 is a basis point); narrower is more informative."
        => |app| volatility(app, |volatility| volatility.mean_width);
    Gauge "stormglass_volatility_interval_score":
        "Mean interval score of the volatility forecast over the window, per square-root second: the width, and 20 times the distance of outcomes outside; lower is better."
        => |app| volatility(app, |volatility| volatility.interval_score);
    Gauge "stormglass_file_writes_failing":
        "1 while files that the service keeps cannot be written, by the key that sets their path."
        => |app| {
            let values = app.kept_files().into_iter().map(|(key, writes)| (key, flag(writes.failure().is_some())));
            Series::by("files", values)
        };
    Counter "stormglass_file_writes_failed_total": "Failed writes of files that the service keeps, and failed tests of their disks."
        => |app| {
            let values = app.kept_files().into_iter().map(|(key, writes)| (key, writes.failed_total() as f64));
            Series::by("files", values)
        };
    Counter "stormglass_events_total": "Events of the service by kind; GET /events shows the newest of each."
        => |app| Series::by("kind", app.engine.events.counts().into_iter().map(|(kind, count)| (kind, count as f64)));
    Gauge "stormglass_stream_watchers": "Clients that watch /stream."
        => |app| Series::one(app.live.watchers() as f64);
    Counter "stormglass_log_lines_suppressed_total":
        "Log lines that were not written because the same line was repeated too often."
        => |_| Series::one(crate::log::suppressed_total() as f64);
    Gauge "process_resident_memory_bytes": "Resident memory of the process."
        => |_| Series::one(process_use().resident_bytes);
    Counter "process_cpu_seconds_total": "CPU time of the process, user and system."
        => |_| Series::one(process_use().cpu_seconds);
    Gauge "process_open_fds": "Open file descriptors."
        => |_| Series::one(process_use().open_files);
    Gauge "process_max_fds": "File descriptors the process may open."
        => |_| Series::one(process_use().open_files_max);
    Gauge "process_start_time_seconds": "When the process started, seconds since 1970-01-01."
        => |_| Series::one(process_use().start_time_s);
};

fn requests_total(app: &App) -> Vec<Series> {
    let counts = app.metrics.requests.read().into_iter();
    let series = counts.map(|(method, endpoint, status, count)| {
        let labels = [("method", method.to_owned()), ("endpoint", endpoint.to_owned()), ("status", status)];
        Series::new(labels, count as f64)
    });
    series.collect()
}

fn predictions_total(app: &App) -> Vec<Series> {
    let mut counts = app.metrics.predictions.read();
    if let Some(model) = app.engine.model.load_full() {
        let version = app.version_of(model.info());
        if !counts.iter().any(|(v, ..)| v == version) {
            counts.push((version.to_owned(), 0, 0));
        }
    }
    let series = |version: &str, prediction: &str, count: u64| {
        let labels = [("model_version", version.to_owned()), ("prediction", prediction.to_owned())];
        Series::new(labels, count as f64)
    };
    counts.iter().flat_map(|(v, spikes, calms)| [series(v, "0", *calms), series(v, "1", *spikes)]).collect()
}

/// A number from each model's live quality; a loaded model without a row counts as one without rows.
fn quality(app: &App, number: impl Fn(&Quality) -> Option<f64>) -> Vec<Series> {
    let series = |info: &ModelInfo, quality: &Quality| {
        let labels = [
            ("model", info.name.clone()),
            ("model_version", info.version.clone()),
            ("model_variant", info.variant.clone()),
            ("sha256", info.sha256.get(..16).unwrap_or_default().to_owned()),
        ];
        number(quality).map(|value| Series::new(labels, value))
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

/// Whether two infos are of one series. A shadow's rows are another series than those of the same file as active model.
fn is_same(one: &ModelInfo, other: &ModelInfo) -> bool {
    (&one.sha256, &one.variant) == (&other.sha256, &other.variant)
}

/// A mean; `None` without rows.
fn known(quality: &Quality, value: f64) -> Option<f64> {
    (quality.rows > 0).then_some(value)
}

/// A number of the newest report's volatility forecasts, if it has any.
fn volatility(app: &App, number: fn(&VolatilityQuality) -> f64) -> Vec<Series> {
    let report = app.quality.newest();
    let known = report.iter().map(|report| &report.volatility).find(|volatility| volatility.rows > 0);
    known.map_or_else(Vec::new, |volatility| Series::one(number(volatility)))
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn load(count: &AtomicU64) -> f64 {
    count.load(Ordering::Relaxed) as f64
}
