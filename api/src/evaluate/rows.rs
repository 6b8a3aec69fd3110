//! Labelled rows: those to which the live service would have given a probability.

use engine::{
    features::{self, FEATURE_COUNT},
    grid::{Grid, LabelledRow},
    prediction::TauSource,
    volatility::Forecast,
};
use model::{
    evaluation::AlertRow,
    learn::{Dataset, LearnError},
};

use crate::training::Latent;

/// Labelled rows with further columns; every list is in the order of `dataset`.
#[derive(Debug)]
pub struct Rows {
    /// Features, labels, times and symbols.
    pub dataset: Dataset,
    /// The event's threshold, per square-root second.
    pub tau: Vec<f64>,
    /// Volatility of the horizon before, per square-root second, where known.
    pub trailing: Vec<Option<f64>>,
    /// `trailing` divided by `tau`, which is the score of persistence; 0 where not known.
    pub persistence: Vec<f64>,
    is_hot: Vec<bool>,
    /// The forecast that the engine gave live, with its interval, where it gave one.
    pub forecast: Vec<Option<Forecast>>,
    /// Volatility of the horizon after, per square-root second.
    pub realised: Vec<f64>,
    /// The probability that the collector's model gave live.
    pub live: Vec<f64>,
    /// Symbols and event times, seconds, of the labelled rows that the model gave no probability for: they are not
    /// among the rows.
    pub unanswered: Vec<(String, i64)>,
    /// Names of the symbols; a row's group in `dataset` is an index of these.
    pub symbols: Vec<String>,
    /// The simulator's true volatility, per square-root second; `None` for recorded ticks.
    pub latent: Option<Vec<f64>>,
}

impl Rows {
    /// The rows that have an outcome under the symbol's own threshold and were given a probability.
    ///
    /// # Errors
    /// [`LearnError`] when there are none.
    pub fn new(grid: &Grid, latent: Option<&Latent>) -> Result<Self, LearnError> {
        let own = || grid.rows.iter().filter(|row| row.outcome.pending.tau_source == TauSource::Own);
        let kept: Vec<_> = own().filter_map(|row| Some((row, row.outcome.pending.probability?))).collect();
        let unanswered = own().filter(|row| row.outcome.pending.probability.is_none());
        let name = |row: &LabelledRow| {
            (grid.symbols[row.symbol as usize].name.to_string(), row.outcome.pending.second)
        };
        let unanswered = unanswered.map(name).collect();
        let mut rows = Vec::with_capacity(kept.len() * FEATURE_COUNT);
        kept.iter().for_each(|(row, _)| rows.extend_from_slice(&row.row));
        let pending = || kept.iter().map(|(row, _)| row.outcome.pending);
        let dataset = Dataset::new(
            features::schema(),
            rows,
            kept.iter().map(|(row, _)| row.outcome.spike()).collect(),
            pending().map(|pending| pending.second).collect(),
            kept.iter().map(|(row, _)| row.symbol).collect(),
        )?;
        let symbols: Vec<String> = grid.symbols.iter().map(|symbol| symbol.name.to_string()).collect();
        let latent = latent.map(|latent| {
            let known = |product: &str, second| latent.at(product, second).unwrap_or(f64::NAN);
            kept.iter()
                .map(|(row, _)| {
                    known(grid.symbols[row.symbol as usize].product(), row.outcome.pending.second)
                })
                .collect()
        });
        Ok(Self {
            dataset,
            tau: pending().map(|pending| pending.tau).collect(),
            trailing: pending().map(|pending| pending.trailing).collect(),
            persistence: pending().map(|pending| pending.persistence()).collect(),
            is_hot: pending().map(|pending| pending.is_hot()).collect(),
            forecast: pending().map(|pending| pending.forecast).collect(),
            realised: kept.iter().map(|(row, _)| row.outcome.realised).collect(),
            live: kept.iter().map(|(_, probability)| *probability).collect(),
            unanswered,
            symbols,
            latent,
        })
    }

    /// The name of a row's symbol.
    pub fn symbol(&self, row: usize) -> &str {
        &self.symbols[self.dataset.groups()[row] as usize]
    }

    /// Whether volatility is over the threshold already at this row.
    pub fn is_hot(&self, row: usize) -> bool {
        self.is_hot[row]
    }

    /// A feature of a row by its name; NaN where missing.
    pub fn feature(&self, row: usize, name: &str) -> f64 {
        self.dataset.position(name).map_or(f64::NAN, |place| f64::from(self.dataset.row(row)[place]))
    }

    /// The row in the form that the metrics of alerts take.
    pub fn alert_row(&self, row: usize, probability: f64) -> AlertRow {
        AlertRow {
            time_s: self.dataset.times_s()[row],
            probability,
            spike: self.dataset.labels()[row],
            hot: self.is_hot(row),
        }
    }
}
