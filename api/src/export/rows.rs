//! Orders grid rows by their instants, and joins their outcomes if these are known.

use std::{collections::VecDeque, sync::Arc};

use engine::{
    features::Row,
    prediction::TauSource,
    shard::Out,
    state::{Effect, GridRow, outcome::Pending},
    symbol::{Symbol, SymbolId},
};

/// A grid row, and the volatility that followed it.
#[derive(Clone, Debug)]
pub struct Exported {
    /// Symbol of the row.
    pub symbol: Arc<Symbol>,
    /// Instant of the row, its threshold, and the volatility before it.
    pub pending: Pending,
    /// The features, as the live engine has them.
    pub row: Row,
    /// Volatility of the horizon after it, per square-root second; `None` if a gap or the end of the data leaves it
    /// undefined.
    pub realised: Option<f64>,
}

impl Exported {
    /// Whether a spike occurred; `None` if the outcome is undefined, or the threshold was not yet the symbol's own.
    pub fn spike(&self) -> Option<bool> {
        let own = self.pending.tau_source == TauSource::Own;
        self.realised.filter(|_| own).map(|realised| realised > self.pending.tau)
    }
}

/// Passes grid rows to a function: at once if no labels are wanted, otherwise once a row's outcome is known or can no
/// longer become known. A symbol's rows keep the order of their instants; at most one horizon of them waits.
pub struct RowOrder<F> {
    /// Seconds until an outcome is known; 0 if labels are not wanted.
    horizon_s: i64,
    /// Seconds between rows; rows at other instants are left out.
    grid_s: i64,
    /// Waiting rows by the number of their symbol; symbols are numbered from 0.
    waiting: Vec<VecDeque<Exported>>,
    sink: F,
}

impl<F: FnMut(Exported)> RowOrder<F> {
    /// Passes rows to `sink`, with outcomes over `horizon_s` seconds if labels are wanted.
    pub fn new(horizon_s: Option<u32>, grid_s: u32, sink: F) -> Self {
        Self {
            horizon_s: horizon_s.map_or(0, i64::from),
            grid_s: i64::from(grid_s),
            waiting: Vec::new(),
            sink,
        }
    }

    /// Passes on all waiting rows, without outcomes, since no more ticks come.
    pub fn finish(mut self) {
        for rows in &mut self.waiting {
            rows.drain(..).for_each(&mut self.sink);
        }
    }

    /// The waiting rows of a symbol.
    fn waiting_of(&mut self, symbol: SymbolId) -> &mut VecDeque<Exported> {
        let place = symbol.0 as usize;
        if place >= self.waiting.len() {
            self.waiting.resize_with(place + 1, VecDeque::new);
        }
        &mut self.waiting[place]
    }

    /// Passes on the rows of a symbol at or before `second`; the one at `second` itself has this outcome.
    fn release(&mut self, symbol: SymbolId, second: i64, outcome: Option<f64>) {
        while self.waiting_of(symbol).front().is_some_and(|row| row.pending.second <= second)
            && let Some(mut row) = self.waiting_of(symbol).pop_front()
        {
            row.realised = outcome.filter(|_| row.pending.second == second);
            (self.sink)(row);
        }
    }
}

impl<F: FnMut(Exported)> Out for RowOrder<F> {
    fn effect(&mut self, symbol: &Arc<Symbol>, effect: &Effect) {
        match effect {
            Effect::GridRow(row) => self.grid_row(symbol, row),
            Effect::Outcome(outcome) if self.horizon_s > 0 => {
                self.release(symbol.id, outcome.pending.second, Some(outcome.realised));
            }
            _ => {}
        }
    }
}

impl<F: FnMut(Exported)> RowOrder<F> {
    fn grid_row(&mut self, symbol: &Arc<Symbol>, row: &GridRow) {
        let second = row.pending.second;
        if second.rem_euclid(self.grid_s) != 0 {
            return;
        }
        let row = Exported { symbol: symbol.clone(), pending: row.pending, row: row.row, realised: None };
        if self.horizon_s == 0 {
            (self.sink)(row);
            return;
        }
        self.release(symbol.id, second - self.horizon_s, None);
        self.waiting_of(symbol.id).push_back(row);
    }
}
