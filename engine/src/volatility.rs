//! Forecasts sigma over the label's horizon (60 seconds), with an interval that holds a fixed share of outcomes.
//!
//! # Idea
//! A HAR regression (Corsi 2009) in logarithms relates the next minute to the last five: [`har`]. Its coefficients are
//! the symbol's own, learned from its outcomes. The forecast is a root mean square, so that its square is the expected
//! variance; the interval around it is conformal ([`interval`]): its ends are quantiles of the symbol's own past
//! errors, at levels that move until the intended share of outcomes lies inside.
//!
//! # Learning
//! It learns only at grid instants, from the outcome of the forecast made one horizon before. A tick only evaluates the
//! present regression: six products and one `exp`. So the forecast is a function of the symbol's own ticks.

pub mod har;
pub mod interval;

use model::evaluation::JudgedInterval;
use rkyv::{Archive, Deserialize, Serialize};

use self::{
    har::{Har, Inputs},
    interval::Interval,
};
use crate::{decay::OUTCOME_DECAY_24H as DECAY, window::GRID_S};

/// Share of outcomes that the interval is to hold.
pub const COVERAGE: f64 = 0.9;

/// Number of outcomes, all 1, that the mean of squared ratios starts with.
const PRIOR_OUTCOMES: f64 = 60.0;

/// A forecast of the volatility of the horizon ahead, per square-root second.
#[derive(Clone, Copy, Debug, PartialEq, Archive, Serialize, Deserialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct Forecast {
    /// Root of the expected variance.
    pub sigma: f64,
    /// Lower end of the interval; 0 if no past outcome was low enough to bound it.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Forecast {
    /// Compares the interval with the realised volatility.
    pub fn judge(&self, realised: f64) -> JudgedInterval {
        JudgedInterval::new(self.low, self.high, realised, COVERAGE)
    }

    /// Whether the realised volatility lies inside the interval.
    pub fn holds(&self, realised: f64) -> bool {
        self.judge(realised).is_held
    }

    /// Whether `probability`, that of the volatility exceeding `tau`, is consistent with the interval. An interval that
    /// ends below tau leaves at most the share of its misses, `1 - COVERAGE`, above tau. An interval that begins above
    /// tau implies the event, as a probability of one half and more does.
    pub fn agrees(&self, probability: f64, tau: f64) -> bool {
        if self.high < tau {
            probability <= 1.0 - COVERAGE
        } else if self.low > tau {
            probability >= 0.5
        } else {
            true
        }
    }
}

/// A forecast whose outcome is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Archive, Serialize, Deserialize)]
struct Waiting {
    second: i64,
    inputs: Inputs,
    /// The forecast's centre, per square-root second.
    centre: f64,
    /// The forecast's interval, if there was one.
    forecast: Option<Forecast>,
}

/// A symbol's forecaster.
#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub struct Volatility {
    har: Har,
    interval: Interval,
    /// Decayed sums of the squared ratios of outcome to centre, and of their weights; half of a sum decays in 24 hours.
    squared_ratio: f64,
    weight: f64,
    /// Root of their quotient, a factor that makes the centre's square the expected variance.
    spread: f64,
    waiting: Vec<Option<Waiting>>,
}

impl Default for Volatility {
    fn default() -> Self {
        Self {
            har: Har::default(),
            interval: Interval::default(),
            squared_ratio: PRIOR_OUTCOMES,
            weight: PRIOR_OUTCOMES,
            spread: 1.0,
            waiting: Vec::new(),
        }
    }
}

impl Volatility {
    /// Forecasts from these inputs; `None` until [`interval::OUTCOMES_MIN`] outcomes are known.
    #[inline]
    pub fn forecast(&self, inputs: &Inputs) -> Option<Forecast> {
        self.around(self.har.centre(inputs))
    }

    fn around(&self, centre: f64) -> Option<Forecast> {
        let (low, high) = self.interval.factors()?;
        let (low, high) = (centre * low, centre * high);
        Some(Forecast { sigma: (centre * self.spread).clamp(low, high), low, high })
    }

    /// Makes the forecast of a grid instant and keeps it for `steps` instants, until its outcome is known.
    pub fn wait(&mut self, second: i64, inputs: Option<Inputs>, steps: usize) -> Option<Forecast> {
        if self.waiting.len() != steps {
            self.waiting = vec![None; steps];
        }
        let inputs = inputs?;
        let centre = self.har.centre(&inputs);
        let forecast = self.around(centre);
        let slot = self.slot(second);
        self.waiting[slot] = Some(Waiting { second, inputs, centre, forecast });
        forecast
    }

    /// Learns from the volatility of the horizon after `second`, per square-root second; `None` if it is not known.
    pub fn learn(&mut self, second: i64, realised: Option<f64>) {
        let slot = self.slot(second);
        let waiting = self.waiting.get_mut(slot).and_then(|slot| slot.take_if(|w| w.second == second));
        let (Some(waiting), Some(realised)) = (waiting, realised) else { return };
        let miss = log_ratio(realised, waiting.centre);
        let given = waiting.forecast.map(|forecast| (forecast, realised));
        self.interval.learn(miss, given, self.waiting.len());
        // One wild minute must not widen a day's forecasts.
        let ratio = libm::exp(2.0 * miss.min(2.0));
        self.squared_ratio = DECAY * self.squared_ratio + ratio;
        self.weight = DECAY * self.weight + 1.0;
        self.spread = libm::sqrt(self.squared_ratio / self.weight);
        self.har.learn(&waiting.inputs, realised);
    }

    /// Drops the forecasts without an outcome: a gap leaves their outcomes undefined.
    pub fn clear_waiting(&mut self) {
        self.waiting.fill(None);
    }

    fn slot(&self, second: i64) -> usize {
        second.div_euclid(GRID_S).rem_euclid(self.waiting.len().max(1) as i64) as usize
    }
}

/// `ln(a / b)`, clamped to -4..=4: a minute without movement is far below any forecast, not infinitely far.
fn log_ratio(a: f64, b: f64) -> f64 {
    libm::log(a / b).clamp(-interval::MISS_MAX, interval::MISS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of outcomes around a level, with a scale that doubles half way.
    #[test]
    fn intervals_keep_their_promise_while_the_market_changes() {
        let mut volatility = Volatility::default();
        let mut state = 3_u64;
        let mut unit = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut outcomes = std::collections::VecDeque::new();
        let (mut inside, mut known, mut squared) = (0.0, 0.0, 0.0);
        for step in 0..20_000_i64 {
            let second = step * GRID_S;
            let scale = if step < 10_000 { 0.3 } else { 0.6 };
            let realised = 2e-4 * libm::exp(scale * (unit() + unit() + unit() - 1.5) * 2.0);
            if step >= 12 {
                let (made, forecast, realised): (i64, Option<Forecast>, f64) = outcomes.pop_front().unwrap();
                if let Some(forecast) = forecast {
                    assert!(forecast.low <= forecast.sigma && forecast.sigma <= forecast.high);
                    known += 1.0;
                    inside += f64::from(u8::from(forecast.holds(realised)));
                    squared += (realised / forecast.sigma) * (realised / forecast.sigma);
                }
                volatility.learn(made, Some(realised));
            }
            let inputs = Inputs::for_test(2e-4, [0.1 * unit(), 0.0, 0.0, 0.0, 0.0]);
            outcomes.push_back((second, volatility.wait(second, Some(inputs), 12), realised));
        }
        assert!(known > 19_000.0);
        assert!((inside / known - COVERAGE).abs() < 0.01, "{} inside", inside / known);
        assert!((squared / known - 1.0_f64).abs() < 0.2, "mean squared ratio {}", squared / known);
    }

    #[test]
    fn a_probability_agrees_with_an_interval_that_leaves_room_for_it() {
        let forecast = Forecast { sigma: 2.0, low: 1.0, high: 3.0 };
        for (probability, tau, agrees) in
            [(0.315, 3.5, false), (0.08, 3.5, true), (0.9, 2.5, true), (0.4, 0.9, false), (0.6, 0.9, true)]
        {
            assert_eq!(forecast.agrees(probability, tau), agrees, "{probability} of exceeding {tau}");
        }
    }

    #[test]
    fn an_outcome_that_is_not_known_teaches_nothing() {
        let mut volatility = Volatility::default();
        volatility.wait(-5, None, 12);
        let untouched = volatility.clone();
        volatility.wait(0, Some(Inputs::for_test(1e-4, [0.0; 5])), 12);
        volatility.learn(0, None);
        volatility.wait(5, Some(Inputs::for_test(1e-4, [0.0; 5])), 12);
        volatility.clear_waiting();
        volatility.learn(5, Some(1e-4));
        assert_eq!(volatility, untouched);
    }
}
