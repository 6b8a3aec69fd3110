//! A simulated market with the statistics of a real one: no clock, no I/O, the same bytes from the same seed.
//!
//! Each symbol is a path of its own: volatility on three time scales with a daily pattern, orders that excite further
//! orders, signs in runs, and now and then a burst of orders that leads a jump. Because flow leads volatility by a
//! known amount and the volatility behind the prices is known, a test can measure how much of the predictable part a
//! model predicts. `σ` below is that volatility, in log price per square-root second:
//!
//! * `ln σ = ln σ̄ - ½Σν² + d(t) + x₁ + x₂ + x₃`, the `x` Ornstein-Uhlenbeck, stepped each second; `x₂`, `x₃` are
//!   shared between symbols.
//! * Orders are a Hawkes process with two exponential kernels, by exact thinning.
//! * Quotes come with orders and, in a second without one, by themselves: the book is never silent.
//! * The efficient log price diffuses with `0.6σ` and moves with each order by its impact.
//!
//! Arithmetic is IEEE and `libm`'s, so the bytes do not depend on the platform. A symbol's path depends on the
//! seed, its own settings, and the start, never on which other symbols are there.

mod arrivals;
mod config;
mod faults;
mod flow;
mod market;
mod random;
#[cfg(test)]
mod tests;
mod volatility;

use std::collections::VecDeque;

pub use config::{Faults, MarketHabits, SimConfig, SimSymbol};

use crate::tick::{EventTime, NANOS_PER_SECOND, Tick};
use faults::FaultyFeed;
use market::Market;

/// Simulates second by second; as an iterator, tick by tick over all symbols in the order of their event times
/// (of their arrival, if faults are configured). Ends only where event time ends, or at once without symbols.
#[derive(Clone, Debug)]
pub struct Simulator {
    markets: Vec<Market>,
    feed: FaultyFeed,
    second: i64,
    ticks: VecDeque<(usize, Tick)>,
}

impl Simulator {
    /// A market that begins at `config.start`, rounded down to the second.
    pub fn new(config: SimConfig) -> Self {
        let second = config.start.second();
        let market = |symbol| Market::new(config.seed, &config.habits, symbol, second);
        Self {
            markets: config.symbols.iter().map(market).collect(),
            feed: FaultyFeed::new(config.seed, config.faults),
            second,
            ticks: VecDeque::new(),
        }
    }

    /// Simulates one second of all symbols, whose ticks [`next_simulated`](Self::next_simulated) then returns. False
    /// when event time ends.
    pub fn step_second(&mut self) -> bool {
        // Stops a day before the end of event time, so that clock jumps stay in range.
        if self.second + 86_400 > EventTime::MAX.second() {
            return false;
        }
        let diurnal = volatility::diurnal(self.second);
        for (symbol, market) in self.markets.iter_mut().enumerate() {
            market.simulate_second(self.second, diurnal, |tick| self.feed.send(symbol, tick));
        }
        self.second += 1;
        self.feed.arrived_before(self.second, &mut self.ticks);
        true
    }

    /// The next tick of those already simulated.
    pub fn next_simulated(&mut self) -> Option<(usize, Tick)> {
        self.ticks.pop_front()
    }

    /// The instant up to which all symbols are simulated.
    pub fn simulated_until(&self) -> EventTime {
        EventTime::from_nanos(self.second * NANOS_PER_SECOND).expect("steps end before event time does")
    }

    /// The volatility of the second last simulated, in log price per square-root second. It is constant over that
    /// second.
    pub fn latent_sigma(&self, symbol: usize) -> f64 {
        self.markets[symbol].sigma()
    }

    /// The logarithm of the efficient price at [`Simulator::simulated_until`], around which quotes are set.
    pub fn efficient_log_price(&self, symbol: usize) -> f64 {
        self.markets[symbol].log_price()
    }
}

impl Iterator for Simulator {
    type Item = (usize, Tick);

    fn next(&mut self) -> Option<(usize, Tick)> {
        while self.ticks.is_empty() && !self.markets.is_empty() {
            if !self.step_second() {
                break;
            }
        }
        self.ticks.pop_front()
    }
}
