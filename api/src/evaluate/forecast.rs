//! How good forecasts of volatility itself are, by QLIKE.

use model::{
    learn::{BASELINE_FEATURES, Fold, LearnError, fit_ridge},
    metrics::qlike,
};
use serde::Serialize;

use super::rows::Rows;

/// Share of the median threshold below which volatilities count as that: ratios of still minutes say nothing.
const FLOOR_SHARE: f64 = 0.05;
/// Log ratios further out than this are cut before the fit.
const RATIO_MAX: f64 = 3.0;
/// Weight of the squared coefficients.
const L2: f64 = 100.0;

/// A forecast of the volatility of the horizon, judged.
#[derive(Clone, Debug, Serialize)]
pub struct ForecastReport {
    /// What it is.
    pub name: String,
    /// Mean QLIKE over the test rows.
    pub qlike: f64,
    /// Its forecasts, per square-root second, in the order of the test rows.
    #[serde(skip)]
    pub forecasts: Vec<f64>,
}

/// Judges persistence, EWMA, HAR (log-linear on four windows) and the same on all features.
///
/// # Errors
/// [`LearnError`] when a fit fails for another reason than too few rows.
pub fn forecasts(rows: &Rows, folds: &[Fold]) -> Result<Vec<ForecastReport>, LearnError> {
    let tested: Vec<usize> = folds.iter().flat_map(|fold| fold.test().iter().copied()).collect();
    let mut taus: Vec<f64> = tested.iter().map(|&row| rows.tau[row]).collect();
    taus.sort_unstable_by(f64::total_cmp);
    let floor = FLOOR_SHARE * taus.get(taus.len() / 2).copied().unwrap_or(0.0);
    let judged = |name: &str, forecasts: Vec<f64>| {
        let losses =
            tested.iter().zip(&forecasts).map(|(&row, &forecast)| qlike(rows.realised[row], forecast, floor));
        let qlike = losses.sum::<f64>() / tested.len().max(1) as f64;
        ForecastReport { name: name.to_owned(), qlike, forecasts }
    };
    let plain = |name, feature: &str| {
        let forecast = |&row: &usize| {
            let ratio = rows.feature(row, feature);
            if ratio.is_nan() { floor } else { rows.tau[row] * ratio.exp() }
        };
        judged(name, tested.iter().map(forecast).collect())
    };
    let mut reports = vec![plain("persistence", "lv60_tau"), plain("EWMA 30 s", "lew30_tau")];
    if folds.iter().all(|fold| !fold.train().is_empty()) {
        let all: Vec<&str> = rows.dataset.features().iter().map(|feature| feature.name.as_str()).collect();
        reports.push(judged("HAR", linear(rows, folds, &BASELINE_FEATURES)?));
        reports.push(judged("HAR with all features", linear(rows, folds, &all)?));
    }
    Ok(reports)
}

/// `tau * exp(line + s)`: a line through `ln(realised / tau)`, and half the log of the mean of `exp(2 * residual)`, by
/// which the mean of the variance is met although logarithms were fitted.
fn linear(rows: &Rows, folds: &[Fold], features: &[&str]) -> Result<Vec<f64>, LearnError> {
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
