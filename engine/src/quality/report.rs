//! Computes the report from rows by the formulas of [`model::evaluation`], over all symbols of a model and for each
//! symbol.
//!
//! The rows of a model are those inside the window that ends with the newest row of all models. Fractions are summed in
//! the order of symbol name and time, so the report does not depend on how the symbols are spread over shards.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use model::{
    ModelInfo,
    evaluation::{AlertRow, Alerts, IntervalTally, ReliabilityBin, Tally, average_precision},
};

use super::{QualityRow, ShardQuality};
use crate::symbol::SymbolId;

/// The quality of all predictions in the window.
#[derive(Clone, Debug, Default)]
pub struct QualityReport {
    /// Length of the window in event time, seconds.
    pub window_s: i64,
    /// The oldest and the newest grid instant in the window, seconds since the epoch; `None` without rows.
    pub span: Option<(i64, i64)>,
    /// Rows that were dropped before they were older than the window, because there were too many.
    pub rows_dropped: u64,
    /// The quality of each model, ordered by name, version, hash and variant.
    pub models: Vec<ModelQuality>,
    /// The quality of the volatility forecast, which does not depend on the model.
    pub volatility: VolatilityQuality,
}

/// The quality of one model's predictions.
#[derive(Clone, Debug)]
pub struct ModelQuality {
    /// Info of the model.
    pub info: Arc<ModelInfo>,
    /// The quality over all symbols.
    pub total: Quality,
    /// Bins of predicted probability with the observed frequency of spikes.
    pub reliability: Vec<ReliabilityBin>,
    /// The quality of each symbol, ordered by name.
    pub symbols: Vec<(Box<str>, Quality)>,
}

/// The measures over some rows; 0 without rows, as in [`model::evaluation`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Number of rows.
    pub rows: u64,
    /// Share of rows with a spike.
    pub base_rate: f64,
    /// Average precision of the probabilities; `None` without a spike.
    pub average_precision: Option<f64>,
    /// Average precision of persistence, which scores trailing volatility over the threshold.
    pub persistence_average_precision: Option<f64>,
    /// Share of rows with a spike among those whose volatility was not above the threshold already (onsets).
    pub onset_base_rate: f64,
    /// Average precision over the rows of `onset_base_rate`.
    pub onset_average_precision: Option<f64>,
    /// Brier score.
    pub brier: f64,
    /// Brier skill against the base rate.
    pub brier_skill: f64,
    /// Expected calibration error.
    pub calibration_error: f64,
    /// Alerts given at the model's threshold, as [`model::evaluation::Alerts`] counts them.
    pub alerts: u64,
    /// Alerts that a spike followed.
    pub alerts_right: u64,
}

/// The quality of the volatility forecast.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VolatilityQuality {
    /// Number of rows with a forecast.
    pub rows: u64,
    /// Share of outcomes inside the interval.
    pub coverage: f64,
    /// Mean width of the interval, per square-root second.
    pub mean_width: f64,
    /// Mean interval score, per square-root second: [`model::evaluation::interval_score`].
    pub interval_score: f64,
    /// Mean QLIKE.
    pub qlike: f64,
}

type BySymbol<'a> = BTreeMap<Box<str>, Vec<&'a QualityRow>>;

impl QualityReport {
    /// Computes the report from the shards' rows; `name` maps a symbol's id to its name.
    pub fn new(shards: &[ShardQuality], name: impl Fn(SymbolId) -> Option<Box<str>>) -> Self {
        let window_s = shards.iter().map(|shard| shard.window_s).max().unwrap_or(0);
        let rows = || shards.iter().flat_map(|shard| &shard.chunks).flat_map(|chunk| chunk.iter());
        let Some(newest) = rows().map(|row| row.second).max() else {
            return Self { window_s, ..Self::default() };
        };
        let from = newest.saturating_sub(window_s);
        let mut names: HashMap<SymbolId, Option<Box<str>>> = HashMap::new();
        let mut models: HashMap<u64, BySymbol<'_>> = HashMap::new();
        let mut oldest = newest;
        for row in rows().filter(|row| row.second > from) {
            let known = names.entry(row.symbol).or_insert_with(|| name(row.symbol));
            let Some(symbol) = known.clone() else { continue };
            oldest = oldest.min(row.second);
            models.entry(row.model_hash).or_default().entry(symbol).or_default().push(row);
        }
        let mut volatility = Volatility::default();
        let horizon_s = shards.iter().map(|shard| shard.horizon_s).max().unwrap_or(0);
        let infos: HashMap<u64, &Arc<ModelInfo>> =
            shards.iter().flat_map(|shard| &shard.models).map(|(hash, info)| (*hash, info)).collect();
        let mut found: Vec<(&Arc<ModelInfo>, BySymbol<'_>)> =
            models.into_iter().filter_map(|(hash, symbols)| Some((*infos.get(&hash)?, symbols))).collect();
        found.sort_by(|(a, _), (b, _)| {
            (&a.name, &a.version, &a.sha256, &a.variant).cmp(&(&b.name, &b.version, &b.sha256, &b.variant))
        });
        let models = found
            .into_iter()
            .map(|(info, symbols)| {
                symbols.values().flatten().for_each(|row| volatility.take(row));
                ModelQuality::new(info, symbols, i64::from(horizon_s))
            })
            .collect();
        Self {
            window_s,
            span: Some((oldest, newest)),
            rows_dropped: shards.iter().map(|shard| shard.dropped).sum(),
            models,
            volatility: volatility.finish(),
        }
    }
}

impl ModelQuality {
    fn new(info: &Arc<ModelInfo>, mut symbols: BySymbol<'_>, horizon_s: i64) -> Self {
        symbols.values_mut().for_each(|rows| rows.sort_by_key(|row| row.second));
        let all: Vec<&QualityRow> = symbols.values().flatten().copied().collect();
        let (mut total, tally) = Quality::new(&all);
        let symbols: Vec<(Box<str>, Quality)> = symbols
            .into_iter()
            .map(|(symbol, rows)| {
                let mut alerts = Alerts::default();
                let alert_rows: Vec<AlertRow> = rows.iter().map(|row| row.alert_row()).collect();
                alerts.add(&alert_rows, info.threshold, horizon_s);
                total.alerts += alerts.given;
                total.alerts_right += alerts.right;
                let (quality, _) = Quality::new(&rows);
                (symbol, Quality { alerts: alerts.given, alerts_right: alerts.right, ..quality })
            })
            .collect();
        Self { info: info.clone(), total, reliability: tally.reliability().to_vec(), symbols }
    }
}

impl Quality {
    /// Computes every measure except the alerts.
    fn new(rows: &[&QualityRow]) -> (Self, Tally) {
        let labels: Vec<bool> = rows.iter().map(|row| row.spike).collect();
        let probabilities: Vec<f64> = rows.iter().map(|row| row.probability).collect();
        let persistence: Vec<f64> = rows.iter().map(|row| row.persistence).collect();
        let (onset_labels, onset): (Vec<bool>, Vec<f64>) =
            rows.iter().filter(|row| !row.hot).map(|row| (row.spike, row.probability)).unzip();
        let tally = Tally::of(&labels, &probabilities);
        let quality = Self {
            rows: tally.rows(),
            base_rate: tally.base_rate(),
            average_precision: average_precision(&labels, &probabilities),
            persistence_average_precision: average_precision(&labels, &persistence),
            onset_base_rate: model::evaluation::base_rate(&onset_labels),
            onset_average_precision: average_precision(&onset_labels, &onset),
            brier: tally.brier(),
            brier_skill: tally.brier_skill(),
            calibration_error: tally.expected_calibration_error(),
            alerts: 0,
            alerts_right: 0,
        };
        (quality, tally)
    }
}

#[derive(Default)]
struct Volatility {
    interval: IntervalTally,
    qlike: f64,
}

impl Volatility {
    fn take(&mut self, row: &QualityRow) {
        let Some(interval) = row.interval else { return };
        self.interval.add(interval);
        self.qlike += row.qlike;
    }

    fn finish(self) -> VolatilityQuality {
        let interval = &self.interval;
        VolatilityQuality {
            rows: interval.rows(),
            coverage: interval.coverage(),
            mean_width: interval.mean_width(),
            interval_score: interval.mean_score(),
            qlike: self.qlike / interval.rows().max(1) as f64,
        }
    }
}
