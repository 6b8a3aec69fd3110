//! Training rows: recorded or made-up ticks through the core that serves, as the trainer takes them.

use engine::{
    features::{self, FEATURE_COUNT},
    grid::Grid,
    offline::Offline,
    sim::{SimConfig, Simulator},
    source::TickSink,
    state::StateSettings,
    symbol::{Offset, SIMULATOR_VENUE},
    tick::{NANOS_PER_SECOND, Tick},
};
use model::learn::{Dataset, LearnError};

/// A core that keeps its labelled grid rows.
pub type Collector = Offline<Grid>;

/// A collector without a model: rows only need features and outcomes.
pub fn collector(settings: StateSettings, partition_count: u32) -> Collector {
    Offline::new(settings, None, partition_count, Grid::default())
}

/// Simulates `hours` of `market` into the collector; `progress` hears of each simulated hour. Returns the ticks.
pub fn simulate(
    market: SimConfig,
    hours: u32,
    collector: &mut Collector,
    mut progress: impl FnMut(u32),
) -> u64 {
    let products: Vec<String> = market.symbols.iter().map(|symbol| symbol.product.clone()).collect();
    let start_ns = market.start.nanos();
    let mut hour = 0;
    let mut count = 0;
    for (symbol, tick) in Simulator::new(market) {
        let tick: Tick = tick;
        let passed = ((tick.event_time.nanos() - start_ns) / (3_600 * NANOS_PER_SECOND)) as u32;
        if passed > hour {
            hour = passed;
            progress(hour);
        }
        if passed >= hours {
            break;
        }
        collector.tick(SIMULATOR_VENUE, &products[symbol], Offset(count), 0, tick);
        count += 1;
    }
    collector.flush();
    count
}

/// What the trainer takes: the rows whose event the symbol's own threshold defines.
///
/// # Errors
/// [`LearnError`] when there are none.
pub fn dataset(grid: &Grid) -> Result<Dataset, LearnError> {
    let count = grid.own().count();
    let mut rows = Vec::with_capacity(count * FEATURE_COUNT);
    let mut labels = Vec::with_capacity(count);
    let mut times_s = Vec::with_capacity(count);
    let mut symbols = Vec::with_capacity(count);
    for labelled in grid.own() {
        rows.extend_from_slice(&labelled.row);
        labels.push(labelled.outcome.spike());
        times_s.push(labelled.outcome.pending.second);
        symbols.push(labelled.symbol);
    }
    Dataset::new(features::schema(), rows, labels, times_s, symbols)
}

/// The threshold for symbols without one of their own: the median of the rows', basis points per square-root second.
pub fn median_tau_bp(grid: &Grid) -> f64 {
    let mut taus: Vec<f64> = grid.own().map(|labelled| labelled.outcome.pending.tau * 1e4).collect();
    taus.sort_by(f64::total_cmp);
    taus.get(taus.len() / 2).copied().unwrap_or(0.0)
}
