//! `GET /quality`: the quality of the answers, over a window of event time.
//!
//! The names of the numbers are those of `stormglass evaluate --json`.

use engine::{
    quality::report::{ModelQuality, Quality, QualityReport, VolatilityQuality},
    tick::{EventTime, NANOS_PER_SECOND},
    volatility::COVERAGE,
};
use hyper::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{
    describe::{self, Doc, Tag},
    reply::json,
    route::Route,
};

const DOC: Doc = Doc {
    tag: Tag::State,
    summary: "How good the answers turned out to be.",
    description: "",
    parameters: &[],
    body: None,
    answers: &[describe::Answer {
        status: 200,
        description: "By model and symbol, beside persistence, over a window of event time.",
        media: &[describe::json_of::<Answer<'_>>()],
    }],
    errors: &[503, 504],
};

pub(super) const ENDPOINT: Endpoint = Endpoint {
    method: Method::GET,
    route: Route::Exact("/quality"),
    observed: Observed::Ordinary,
    doc: &DOC,
    handle,
};

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "Quality")]
struct Answer<'a> {
    window_s: i64,
    /// Event time of the oldest grid instant in the window; `null` without rows.
    from: Option<String>,
    to: Option<String>,
    rows_dropped: u64,
    models: Vec<ModelBody<'a>>,
    volatility: VolatilityBody,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ModelQuality")]
struct ModelBody<'a> {
    name: &'a str,
    version: &'a str,
    variant: &'a str,
    sha256: &'a str,
    threshold: f64,
    #[serde(flatten)]
    total: QualityBody,
    reliability: Vec<BinBody>,
    symbols: Vec<SymbolBody<'a>>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "SymbolQuality")]
struct SymbolBody<'a> {
    symbol: &'a str,
    #[serde(flatten)]
    quality: QualityBody,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "QualityNumbers")]
struct QualityBody {
    rows: u64,
    base_rate: f64,
    /// Average precision; `null` without a spike.
    average_precision: Option<f64>,
    onset_base_rate: f64,
    /// Average precision over rows that were not hot already; `null` without a spike among them.
    onset_average_precision: Option<f64>,
    brier: f64,
    brier_skill: f64,
    ece: f64,
    alerts: u64,
    /// Share of the alerts that were right; `null` without an alert.
    alert_precision: Option<f64>,
    persistence: PersistenceBody,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "PersistenceQuality")]
struct PersistenceBody {
    /// Average precision of persistence; `null` without a spike.
    average_precision: Option<f64>,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ReliabilityBin")]
struct BinBody {
    low: f64,
    high: f64,
    rows: u64,
    mean_probability: f64,
    spike_share: f64,
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "VolatilityQuality")]
struct VolatilityBody {
    rows: u64,
    /// Share of outcomes inside the interval; `null` without outcomes.
    coverage: Option<f64>,
    /// Share of outcomes that the interval is to hold.
    coverage_promised: f64,
    /// Mean width of the interval, basis points per square-root second; `null` without outcomes.
    mean_width_bp: Option<f64>,
    /// Mean interval score, in the same unit: the width, plus 20 times the distance by which the outcome lies outside a
    /// 90 % interval. Lower is better; `null` without outcomes.
    interval_score_bp: Option<f64>,
    /// Mean QLIKE; `null` without outcomes.
    qlike: Option<f64>,
}

impl From<&Quality> for QualityBody {
    fn from(quality: &Quality) -> Self {
        Self {
            rows: quality.rows,
            base_rate: quality.base_rate,
            average_precision: quality.average_precision,
            onset_base_rate: quality.onset_base_rate,
            onset_average_precision: quality.onset_average_precision,
            brier: quality.brier,
            brier_skill: quality.brier_skill,
            ece: quality.calibration_error,
            alerts: quality.alerts,
            alert_precision: (quality.alerts > 0)
                .then(|| quality.alerts_right as f64 / quality.alerts as f64),
            persistence: PersistenceBody { average_precision: quality.persistence_average_precision },
        }
    }
}

impl<'a> From<&'a ModelQuality> for ModelBody<'a> {
    fn from(model: &'a ModelQuality) -> Self {
        let bin = |bin: &model::evaluation::ReliabilityBin| BinBody {
            low: bin.low,
            high: bin.high,
            rows: bin.rows,
            mean_probability: bin.mean_probability,
            spike_share: bin.spike_share,
        };
        let symbol = |(symbol, quality): &'a (Box<str>, Quality)| SymbolBody {
            symbol,
            quality: QualityBody::from(quality),
        };
        Self {
            name: &model.info.name,
            version: &model.info.version,
            variant: &model.info.variant,
            sha256: &model.info.sha256,
            threshold: model.info.threshold,
            total: QualityBody::from(&model.total),
            reliability: model.reliability.iter().map(bin).collect(),
            symbols: model.symbols.iter().map(symbol).collect(),
        }
    }
}

impl From<VolatilityQuality> for VolatilityBody {
    fn from(volatility: VolatilityQuality) -> Self {
        let known = |value: f64| (volatility.rows > 0).then_some(value);
        Self {
            rows: volatility.rows,
            coverage: known(volatility.coverage),
            coverage_promised: COVERAGE,
            mean_width_bp: known(volatility.mean_width * 1e4),
            interval_score_bp: known(volatility.interval_score * 1e4),
            qlike: known(volatility.qlike),
        }
    }
}

impl<'a> From<&'a QualityReport> for Answer<'a> {
    fn from(report: &'a QualityReport) -> Self {
        let text = |second: i64| {
            EventTime::from_nanos(second.saturating_mul(NANOS_PER_SECOND)).map(|time| time.to_string())
        };
        Self {
            window_s: report.window_s,
            from: report.span.and_then(|(from, _)| text(from)),
            to: report.span.and_then(|(_, to)| text(to)),
            rows_dropped: report.rows_dropped,
            models: report.models.iter().map(ModelBody::from).collect(),
            volatility: report.volatility.into(),
        }
    }
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let report = call.app.quality.report(&call.app.engine, call.deadline()).await?;
        Ok(json(StatusCode::OK, &Answer::from(&*report)))
    })
}
