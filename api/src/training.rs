//! Makes training rows: runs recorded or simulated ticks through the engine's core.

pub mod runbook;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use engine::{
    bound_model::BoundModel,
    features::{self, FEATURE_COUNT},
    grid::Grid,
    intake::TickSink,
    offline::Offline,
    sim::{SimConfig, Simulator},
    state::StateSettings,
    symbol::{Offset, SIMULATOR_VENUE},
    window::GRID_S,
};
use model::learn::{Dataset, LearnError};

/// Provenance key of the event times of a model's first and last training row, `first..last` in seconds since 1970.
/// Followed by a space and a symbol's name, it is the key of that symbol's rows.
pub const SPAN_KEY: &str = "event_time_s";
/// Most symbols for which a model lists single spans, because people read them.
const SPANS_MAX: usize = 100;

/// An engine core that keeps its labelled grid rows.
pub type Collector = Offline<Grid>;

/// A collector without a model, whose rows have features and outcomes only.
pub fn collector(settings: StateSettings, partition_count: u32) -> Collector {
    Offline::new(settings, None, partition_count, Grid::default())
}

/// A collector whose rows also have the probability that the model gives.
pub fn collector_with(settings: StateSettings, partition_count: u32, model: Arc<BoundModel>) -> Collector {
    Offline::new(settings, Some(model), partition_count, Grid::default())
}

/// The simulator's true volatility, at each grid instant of each product.
#[derive(Debug, Default)]
pub struct Latent(HashMap<String, HashMap<i64, f64>>);

impl Latent {
    /// Volatility per square-root second at a grid instant, seconds since 1970; `None` if it was not simulated.
    pub fn at(&self, product: &str, second: i64) -> Option<f64> {
        self.0.get(product)?.get(&second).copied()
    }
}

/// Simulates `hours` hours of `market` into the sink. `progress` is called with the number of hours simulated so far.
/// Returns the number of ticks and the true volatility.
pub fn simulate(
    market: SimConfig,
    hours: u32,
    sink: &mut impl TickSink,
    mut progress: impl FnMut(u32),
) -> (u64, Latent) {
    let products: Vec<String> = market.symbols.iter().map(|symbol| symbol.product.clone()).collect();
    let end_s = market.start.second() + i64::from(hours) * 3_600;
    let mut simulator = Simulator::new(market);
    let mut count = 0;
    let mut latent = Latent::default();
    while simulator.simulated_until().second() < end_s && simulator.step_second() {
        while let Some((symbol, tick)) = simulator.next_simulated() {
            sink.tick(SIMULATOR_VENUE, &products[symbol], Offset(count), 0, tick);
            count += 1;
        }
        let second = simulator.simulated_until().second();
        if second % GRID_S == 0 {
            for (symbol, product) in products.iter().enumerate() {
                let known = latent.0.entry(product.clone()).or_default();
                known.insert(second, simulator.latent_sigma(symbol));
            }
        }
        if (end_s - second) % 3_600 == 0 {
            progress(hours - ((end_s - second) / 3_600) as u32);
        }
    }
    sink.flush();
    (count, latent)
}

/// The rows that the trainer takes: those whose threshold is the symbol's own.
///
/// # Errors
/// [`LearnError`] if there are none.
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

/// The median threshold of the rows that the trainer takes, basis points per square-root second; 0 without rows.
pub fn median_tau_bp(grid: &Grid) -> f64 {
    let mut taus: Vec<f64> = grid.own().map(|labelled| labelled.outcome.pending.tau * 1e4).collect();
    taus.sort_by(f64::total_cmp);
    taus.get(taus.len() / 2).copied().unwrap_or(0.0)
}

/// The span of event times of each symbol's rows, as entries of a model's provenance under [`SPAN_KEY`]; empty for more
/// than `SPANS_MAX` symbols. `names` are those of the dataset's groups.
pub fn spans(data: &Dataset, names: &[String]) -> Vec<(String, String)> {
    let mut spans: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
    for (&group, &second) in data.groups().iter().zip(data.times_s()) {
        let span = spans.entry(group).or_insert((second, second));
        *span = (span.0.min(second), span.1.max(second));
    }
    if spans.len() > SPANS_MAX {
        return Vec::new();
    }
    let said = |(group, (first, last))| {
        (format!("{SPAN_KEY} {}", names[group as usize]), format!("{first}..{last}"))
    };
    spans.into_iter().map(said).collect()
}
