//! The simulator at the pace of a clock: first a history up to now, as fast as it goes, then live.

use super::{
    Run, SourceEnd,
    pace::{MonotonicClock, Pacer, Speed, WaitClock},
};
use crate::{
    decode::TradeLineSymbol,
    sim::{SimConfig, Simulator},
    symbol::{Offset, SIMULATOR_VENUE},
    tick::{EventTime, NANOS_PER_SECOND},
};

/// What is simulated, and how fast.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatorConfig {
    /// The market. Its `start` is replaced: the history ends at the wall clock's now.
    pub market: SimConfig,
    /// Seconds simulated before now, so that every window is warm at once.
    pub history_s: u32,
    /// How fast event time passes once the history is through.
    pub speed: Speed,
}

impl Default for SimulatorConfig {
    /// BTC-USD, ETH-USD and SOL-USD, two and a half hours of history, real time.
    fn default() -> Self {
        Self { market: SimConfig::default(), history_s: 9_000, speed: Speed::Times(1.0) }
    }
}

/// Why there is nothing to simulate.
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

/// A simulator whose configuration was checked.
#[derive(Clone, Debug)]
pub struct SimulatorSource {
    config: SimulatorConfig,
}

impl SimulatorSource {
    /// Checks the configuration.
    ///
    /// # Errors
    /// When its symbols cannot be simulated.
    pub fn open(config: &SimulatorConfig) -> Result<Self, SimulatorError> {
        let products = || config.market.symbols.iter().map(|symbol| symbol.product.as_str());
        if products().len() == 0 {
            return Err(SimulatorError::NoSymbols);
        }
        for (at, product) in products().enumerate() {
            if TradeLineSymbol::new(SIMULATOR_VENUE, product).is_none() {
                return Err(SimulatorError::BadProduct(product.to_owned()));
            }
            if products().take(at).any(|earlier| earlier == product) {
                return Err(SimulatorError::RepeatedProduct(product.to_owned()));
            }
        }
        Ok(Self { config: config.clone() })
    }

    /// Simulates until told to stop, or until event time ends.
    pub fn run(&self, run: &mut Run<'_>) -> SourceEnd {
        self.run_by(MonotonicClock::default(), run)
    }

    fn run_by(&self, clock: impl WaitClock, run: &mut Run<'_>) -> SourceEnd {
        let mut pacer = Pacer::new(self.config.speed, clock);
        // Before the history is simulated, so that the time this takes is caught up with.
        pacer.anchor(run.now);
        let history_nanos = i64::from(self.config.history_s) * NANOS_PER_SECOND;
        let start = EventTime::from_nanos(run.now.nanos() - history_nanos).unwrap_or(EventTime::MIN);
        let simulator = Simulator::new(SimConfig { start, ..self.config.market.clone() });
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
            let product = &self.config.market.symbols[symbol].product;
            run.sink.tick(SIMULATOR_VENUE, product, Offset(offset), 0, tick);
        }
        run.sink.flush();
        SourceEnd::Finished
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::{StopToken, collect::Collected},
        *,
    };
    use crate::sim::SimSymbol;

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

    fn config(history_s: u32) -> SimulatorConfig {
        SimulatorConfig { history_s, ..SimulatorConfig::default() }
    }

    fn now() -> EventTime {
        EventTime::from_nanos(1_775_272_758_500_000_000).unwrap()
    }

    #[test]
    fn a_history_comes_at_once_and_then_time_passes() {
        let source = SimulatorSource::open(&config(600)).unwrap();
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
            let mut config = config(0);
            let template = config.market.symbols[0].clone();
            config.market.symbols = products
                .iter()
                .map(|&product| SimSymbol { product: product.into(), ..template.clone() })
                .collect();
            SimulatorSource::open(&config).map(drop)
        };
        assert_eq!(with(&["A", "B"]), Ok(()));
        assert_eq!(with(&[]), Err(SimulatorError::NoSymbols));
        assert_eq!(with(&["A B"]), Err(SimulatorError::BadProduct("A B".into())));
        assert_eq!(with(&["A", "A"]), Err(SimulatorError::RepeatedProduct("A".into())));
    }
}
