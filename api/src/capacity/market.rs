//! Ticks to measure with: a simulated market of many symbols whose ticks all differ.

use engine::{
    intake::Intake,
    intake::TickSink,
    sim::{SimConfig, SimSymbol, Simulator},
    symbol::{Offset, SIMULATOR_VENUE},
    tick::{EventTime, NANOS_PER_SECOND},
};

use crate::http::answer::wall_clock_nanos;

/// Simulated symbols, and the next tick of each.
pub(super) struct Market {
    products: Vec<String>,
    ticks: Simulator,
    offset: u64,
}

impl Market {
    /// Simulates `symbols` symbols, beginning `history_s` seconds ago.
    pub(super) fn new(symbols: usize, history_s: i64) -> Self {
        let defaults = SimSymbol::defaults();
        let products: Vec<String> = (0..symbols).map(|number| format!("S{number}-USD")).collect();
        // The defaults' prices in turn, under other names: a symbol's path depends on its name.
        let named = |(number, product): (usize, &String)| SimSymbol {
            product: product.clone(),
            ..defaults[number % defaults.len()].clone()
        };
        let symbols = products.iter().enumerate().map(named).collect();
        let start = EventTime::from_nanos(wall_clock_nanos() - history_s * NANOS_PER_SECOND)
            .unwrap_or(SimConfig::default().start);
        let ticks = Simulator::new(SimConfig { symbols, start, ..SimConfig::default() });
        Self { products, ticks, offset: 0 }
    }

    /// The event time that the simulation has reached.
    pub(super) fn simulated_until(&self) -> EventTime {
        self.ticks.simulated_until()
    }

    /// Simulates the next tick and hands it to `ingest`.
    pub(super) fn feed_next(&mut self, intake: &mut Intake) {
        let (symbol, tick) = self.ticks.next().expect("event time does not end while this runs");
        intake.tick(SIMULATOR_VENUE, &self.products[symbol], Offset(self.offset), 0, tick);
        self.offset += 1;
    }
}
