//! Evaluates forecasts of volatility by QLIKE: the served one with its interval, and simple ones.

use engine::volatility::Forecast;
use model::{
    evaluation::{IntervalTally, QLIKE_FLOOR_SHARE, qlike},
    learn::{BASELINE_FEATURES, Fold, LearnError, fit_ridge},
};
use serde::Serialize;

use super::rows::Rows;

/// Name in the report of the forecast that the engine gives with every prediction.
pub(crate) const SERVED: &str = "as served";
/// Log ratios of volatility to threshold are clamped to plus and minus this before the fit.
const RATIO_MAX: f64 = 3.0;
/// Weight of the squared coefficients in the ridge regression.
const L2: f64 = 100.0;

/// The quality of one forecast of the volatility of the horizon.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ForecastReport {
    pub name: String,
    /// Test rows that have this forecast.
    pub rows: usize,
    /// Mean QLIKE over these rows; lower is better.
    pub qlike: f64,
    /// Share of the outcomes inside the forecast's interval; this and the next two are `None` for a forecast without
    /// one.
    pub coverage: Option<f64>,
    /// Mean width of the interval, basis points per square-root second.
    pub mean_width_bp: Option<f64>,
    /// Mean interval score, basis points per square-root second; lower is better:
    /// [`model::evaluation::interval_score`].
    pub interval_score_bp: Option<f64>,
}

/// Judges persistence, EWMA, HAR (log-linear on four windows), the same regression on all features, and the forecasts
/// that the engine served at the same instants, which it learned from each symbol's earlier outcomes alone.
///
/// # Errors
/// [`LearnError`] when a fit fails for another reason than too few rows.
pub(crate) fn judge_forecasts(rows: &Rows, folds: &[Fold]) -> Result<Vec<ForecastReport>, LearnError> {
    let tested: Vec<usize> = folds.iter().flat_map(|fold| fold.test().iter().copied()).collect();
    let loss =
        |row: usize, forecast: f64| qlike(rows.realised[row], forecast, QLIKE_FLOOR_SHARE * rows.tau[row]);
    let judged = |name: &str, forecasts: Vec<f64>| {
        let losses = tested.iter().zip(&forecasts).map(|(&row, &forecast)| loss(row, forecast));
        let qlike = losses.sum::<f64>() / tested.len().max(1) as f64;
        ForecastReport {
            name: name.to_owned(),
            rows: tested.len(),
            qlike,
            coverage: None,
            mean_width_bp: None,
            interval_score_bp: None,
        }
    };
    let ewma = |&row: &usize| {
        let ratio = rows.feature(row, "lew30_tau");
        // The loss has a floor, so an unknown forecast may be 0.
        if ratio.is_nan() { 0.0 } else { rows.tau[row] * ratio.exp() }
    };
    let trailing = |&row: &usize| rows.trailing[row].unwrap_or(0.0);
    let mut reports = vec![
        judged("persistence", tested.iter().map(trailing).collect()),
        judged("EWMA 30 s", tested.iter().map(ewma).collect()),
    ];
    if folds.iter().all(|fold| !fold.train().is_empty()) {
        let all: Vec<&str> = rows.dataset.features().iter().map(|feature| feature.name.as_str()).collect();
        reports.push(judged("HAR", log_linear_forecasts(rows, folds, &BASELINE_FEATURES)?));
        reports.push(judged("HAR with all features", log_linear_forecasts(rows, folds, &all)?));
    }
    let given: Vec<(usize, Forecast)> =
        tested.iter().filter_map(|&row| Some((row, rows.forecast[row]?))).collect();
    if !given.is_empty() {
        let losses = given.iter().map(|&(row, forecast)| loss(row, forecast.sigma));
        let mut interval = IntervalTally::default();
        given.iter().for_each(|&(row, forecast)| interval.add(forecast.judge(rows.realised[row])));
        reports.push(ForecastReport {
            name: SERVED.to_owned(),
            rows: given.len(),
            qlike: losses.sum::<f64>() / given.len() as f64,
            coverage: Some(interval.coverage()),
            mean_width_bp: Some(interval.mean_width() * 1e4),
            interval_score_bp: Some(interval.mean_score() * 1e4),
        });
    }
    Ok(reports)
}

/// Forecasts `tau * exp(line + s)`. The line is fitted to `ln(realised / tau)` of the training rows; `s`, half the log
/// of the mean of `exp(2 * residual)`, makes the mean variance right although logarithms were fitted.
fn log_linear_forecasts(rows: &Rows, folds: &[Fold], features: &[&str]) -> Result<Vec<f64>, LearnError> {
    let data = rows.dataset.select(features)?;
    let mut forecasts = Vec::new();
    for fold in folds {
        let ratio =
            |&row: &usize| (rows.realised[row] / rows.tau[row]).max(1e-9).ln().clamp(-RATIO_MAX, RATIO_MAX);
        let targets: Vec<f64> = fold.train().iter().map(ratio).collect();
        let line = fit_ridge(&data, fold.train(), &targets, L2)?;
        let residuals =
            fold.train().iter().zip(&targets).map(|(&row, target)| target - line.score(data.row(row)));
        let smear = residuals.map(|residual| (2.0 * residual).exp()).sum::<f64>() / targets.len() as f64;
        let forecast = |&row: &usize| rows.tau[row] * (line.score(data.row(row)) + 0.5 * smear.ln()).exp();
        forecasts.extend(fold.test().iter().map(forecast));
    }
    Ok(forecasts)
}
