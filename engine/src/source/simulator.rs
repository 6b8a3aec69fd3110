//! The simulator at the pace of a clock: first a history up to now, as fast as it goes, then live.

use serde::{Deserialize, Serialize};

use super::{
    Run, SourceEnd,
    pace::{MonotonicClock, Pacer, Speed, WaitClock},
};
use crate::{
    decode::TradeLineSymbol,
    settings::at_most,
    sim::{Faults, SimConfig, SimSymbol, Simulator},
    symbol::{Offset, SIMULATOR_VENUE},
    tick::{EventTime, NANOS_PER_SECOND},
};

/// Minutes of history: a week is far more than any window needs.
const PREROLL_MINUTES_MAX: usize = 7 * 24 * 60;

/// `[simulator]`: what is simulated, and how fast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimulatorSettings {
    /// Equal seeds, equal prices.
    pub seed: u64,
    /// The products, each once; those that [`SimSymbol::named`] does not know begin at a price of 100.
    pub products: Vec<String>,
    /// Minutes simulated before now, so that every window is warm at once.
    pub preroll_minutes: u32,
    /// How fast event time passes once the history is through.
    pub speed: Speed,
    /// Whether there are gaps, late and repeated ticks as real feeds have them.
    pub faults: bool,
}

impl Default for SimulatorSettings {
    fn default() -> Self {
        Self {
            seed: 1,
            products: SimSymbol::defaults().into_iter().map(|symbol| symbol.product).collect(),
            preroll_minutes: 150,
            speed: Speed::Times(1.0),
            faults: false,
        }
    }
}

impl SimulatorSettings {
    /// Checks the bounds.
    ///
    /// # Errors
    /// The key that is outside, and what to do.
    pub fn check(&self) -> Result<(), String> {
        at_most("simulator.preroll_minutes", self.preroll_minutes as usize, PREROLL_MINUTES_MAX)
    }

    fn market(&self, start: EventTime) -> SimConfig {
        SimConfig {
            seed: self.seed,
            symbols: self.products.iter().map(|product| SimSymbol::named(product)).collect(),
            faults: if self.faults { Faults::realistic() } else { Faults::default() },
            start,
            ..SimConfig::default()
        }
    }
}

/// The reason for which there is nothing to simulate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulatorError {
    /// No symbols.
    #[error("simulator.products is empty; name at least one product")]
    NoSymbols,
    /// A product that is no name.
    #[error("simulator.products: {0:?} is not a product; use letters, digits and -_./")]
    BadProduct(String),
    /// A product named twice.
    #[error("simulator.products names {0:?} twice")]
    RepeatedProduct(String),
}

/// A simulator whose products were checked.
#[derive(Clone, Debug)]
pub struct SimulatorSource {
    settings: SimulatorSettings,
}

impl SimulatorSource {
    /// Checks the products.
    ///
    /// # Errors
    /// When they cannot be simulated.
    pub fn open(settings: &SimulatorSettings) -> Result<Self, SimulatorError> {
        let products = &settings.products;
        if products.is_empty() {
            return Err(SimulatorError::NoSymbols);
        }
        for (at, product) in products.iter().enumerate() {
            if TradeLineSymbol::new(SIMULATOR_VENUE, product).is_none() {
                return Err(SimulatorError::BadProduct(product.clone()));
            }
            if products[..at].contains(product) {
                return Err(SimulatorError::RepeatedProduct(product.clone()));
            }
        }
        Ok(Self { settings: settings.clone() })
    }

    /// Simulates until told to stop, or until event time ends.
    pub fn run(&self, run: &mut Run<'_>) -> SourceEnd {
        self.run_by(MonotonicClock::default(), run)
    }

    fn run_by(&self, clock: impl WaitClock, run: &mut Run<'_>) -> SourceEnd {
        let mut pacer = Pacer::new(self.settings.speed, clock);
        // Before the history is simulated, so that the time this takes is caught up with.
        pacer.anchor(run.now);
        let history_nanos = i64::from(self.settings.preroll_minutes) * 60 * NANOS_PER_SECOND;
        let start = EventTime::from_nanos(run.now.nanos() - history_nanos).unwrap_or(EventTime::MIN);
        let simulator = Simulator::new(self.settings.market(start));
        let mut is_live = false;
        for (offset, (symbol, tick)) in (0..).zip(simulator) {
            if tick.event_time > run.now {
                if !is_live {
                    run.sink.flush();
                    is_live = true;
                }
                pacer.wait_for(tick.event_time, run.sink, run.stop);
            }
            if run.stop.is_stopped() {
                run.sink.flush();
                return SourceEnd::Stopped;
            }
            let product = &self.settings.products[symbol];
            run.sink.tick(SIMULATOR_VENUE, product, Offset(offset), 0, tick);
        }
        run.sink.flush();
        SourceEnd::Finished
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::collect::Collected, *};
    use crate::stop::StopToken;

    #[derive(Default)]
    struct SleptClock(Duration);

    impl WaitClock for &mut SleptClock {
        fn elapsed(&mut self) -> Duration {
            self.0
        }

        fn sleep(&mut self, duration: Duration) {
            self.0 += duration;
        }
    }

    fn now() -> EventTime {
        EventTime::from_nanos(1_775_272_758_500_000_000).unwrap()
    }

    #[test]
    fn a_history_comes_at_once_and_then_time_passes() {
        let source =
            SimulatorSource::open(&SimulatorSettings { preroll_minutes: 10, ..SimulatorSettings::default() })
                .unwrap();
        let stop = StopToken::default();
        let mut sink = Collected { stop_at: Some((6_000, stop.clone())), ..Collected::default() };
        let mut clock = SleptClock::default();
        let end = source
            .run_by(&mut clock, &mut Run { now: now(), sink: &mut sink, stop: &stop, progress: &mut () });
        assert_eq!((end, sink.ticks.len()), (SourceEnd::Stopped, 6_000));
        let first = sink.ticks[0].3.event_time.nanos();
        let last = sink.ticks[5_999].3.event_time.nanos();
        assert!(first - (now().nanos() - 600 * NANOS_PER_SECOND) < 10 * NANOS_PER_SECOND);
        let live_nanos = last - now().nanos();
        assert!(live_nanos > NANOS_PER_SECOND, "{live_nanos}");
        let slept_nanos = i64::try_from(clock.0.as_nanos()).unwrap();
        assert!((slept_nanos - live_nanos).abs() < NANOS_PER_SECOND, "{slept_nanos} of {live_nanos}");
        assert!(sink.ticks.iter().enumerate().all(|(at, tick)| tick.1 == Offset(at as u64)));
        assert!(sink.ticks_of("simulator:ETH-USD") > 100);
        assert!(sink.flushes > 10);
    }

    #[test]
    fn symbols_are_checked() {
        let with = |products: &[&str]| {
            let products = products.iter().map(|&product| product.to_owned()).collect();
            SimulatorSource::open(&SimulatorSettings { products, ..SimulatorSettings::default() }).map(drop)
        };
        assert_eq!(with(&["A", "B"]), Ok(()));
        assert_eq!(with(&[]), Err(SimulatorError::NoSymbols));
        assert_eq!(with(&["A B"]), Err(SimulatorError::BadProduct("A B".into())));
        assert_eq!(with(&["A", "A"]), Err(SimulatorError::RepeatedProduct("A".into())));
    }
}
