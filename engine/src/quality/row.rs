//! One matured grid prediction, as live quality keeps it.

use model::evaluation::{AlertRow, JudgedInterval, QLIKE_FLOOR_SHARE, qlike};

use crate::{prediction::TauSource, state::outcome::Outcome, symbol::SymbolId};

/// A prediction on the grid with what happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QualityRow {
    /// The grid instant, seconds since the epoch.
    pub second: i64,
    /// First eight bytes of the SHA-256 of the model that gave the probability.
    pub model_hash: u64,
    /// The probability that was given.
    pub probability: f64,
    /// What persistence would have scored: trailing volatility over the threshold; 0 where it is not known.
    pub persistence: f64,
    /// QLIKE of the volatility forecast; NaN where there was none.
    pub qlike: f64,
    /// Whose.
    pub symbol: SymbolId,
    /// Whether it spiked.
    pub spike: bool,
    /// Whether volatility was above the threshold already: such a row tells nothing of onsets.
    pub hot: bool,
    /// The forecast's interval against the outcome, per square-root second; `None` where there was none.
    pub interval: Option<JudgedInterval>,
}

impl QualityRow {
    /// The row of an outcome; `None` where nothing was predicted, or where the threshold was provisional.
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

    /// What alerts look at.
    pub fn alert_row(&self) -> AlertRow {
        AlertRow { time_s: self.second, probability: self.probability, spike: self.spike, hot: self.hot }
    }
}
