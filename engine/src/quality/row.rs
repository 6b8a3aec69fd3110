//! One grid prediction with its outcome, as live quality keeps it.

use model::evaluation::{AlertRow, JudgedInterval, QLIKE_FLOOR_SHARE, qlike};

use crate::{prediction::TauSource, state::outcome::Outcome, symbol::SymbolId};

/// A grid prediction with its outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QualityRow {
    /// The grid instant, seconds since the epoch.
    pub second: i64,
    /// First eight bytes of the SHA-256 of the model that gave the probability.
    pub model_hash: u64,
    /// The predicted probability.
    pub probability: f64,
    /// The score of persistence: trailing volatility over the threshold; 0 if it is unknown.
    pub persistence: f64,
    /// QLIKE of the volatility forecast; NaN without a forecast.
    pub qlike: f64,
    /// The symbol.
    pub symbol: SymbolId,
    /// Whether a spike occurred.
    pub spike: bool,
    /// Whether volatility was above the threshold already. Such a row does not count for onsets.
    pub hot: bool,
    /// The forecast's interval against the outcome, per square-root second; `None` without a forecast.
    pub interval: Option<JudgedInterval>,
}

impl QualityRow {
    /// The row of an outcome; `None` if there was no probability or the threshold was provisional.
    pub fn of(symbol: SymbolId, outcome: &Outcome) -> Option<Self> {
        let pending = &outcome.pending;
        let probability = pending.probability.filter(|_| pending.tau_source == TauSource::Own)?;
        Some(Self {
            second: pending.second,
            model_hash: pending.model_hash,
            probability,
            persistence: pending.persistence(),
            qlike: pending.forecast.map_or(f64::NAN, |forecast| {
                qlike(outcome.realised, forecast.sigma, QLIKE_FLOOR_SHARE * pending.tau)
            }),
            symbol,
            spike: outcome.spike(),
            hot: pending.is_hot(),
            interval: pending.forecast.map(|forecast| forecast.judge(outcome.realised)),
        })
    }

    /// The part of the row from which alerts are counted.
    pub fn alert_row(&self) -> AlertRow {
        AlertRow { time_s: self.second, probability: self.probability, spike: self.spike, hot: self.hot }
    }
}
