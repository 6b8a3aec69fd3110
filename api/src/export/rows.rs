//! Grid rows in the order of their instants, with their outcomes where these are known.

use std::{collections::VecDeque, sync::Arc};

use engine::{
    features::Row,
    prediction::TauSource,
    shard::Out,
    state::{Effect, GridRow, outcome::Pending},
    symbol::{Symbol, SymbolId},
};

/// A grid row and what is known of what followed.
#[derive(Clone, Debug)]
pub struct Exported {
    /// Whose.
    pub symbol: Arc<Symbol>,
    /// When, under which threshold.
    pub pending: Pending,
    /// The features, as the live engine has them.
    pub row: Row,
    /// Volatility of the horizon after it, per square-root second; `None` where a gap or the end of the data leaves it
    /// undefined.
    pub realised: Option<f64>,
}

impl Exported {
    /// Whether the spike came; `None` where the outcome is undefined, or the threshold was not yet the symbol's own.
    pub fn spike(&self) -> Option<bool> {
        let own = self.pending.tau_source == TauSource::Own;
        self.realised.filter(|_| own).map(|realised| realised > self.pending.tau)
    }
}

/// Hands rows on: at once where no labels are wanted, else when their outcome is known or can no longer be. A symbol's
/// rows come in the order of their instants; at most one horizon of them waits.
pub struct RowOrder<F> {
    /// Seconds that an outcome takes; 0 = labels are not wanted.
    horizon_s: i64,
    /// Seconds between rows: those at other instants are left out.
    grid_s: i64,
    /// By the number of the symbol: they are given out in order, from 0.
    waiting: Vec<VecDeque<Exported>>,
    give: F,
}

impl<F: FnMut(Exported)> RowOrder<F> {
    /// Rows go to `give`.
    pub fn new(horizon_s: Option<u32>, grid_s: u32, give: F) -> Self {
        Self {
            horizon_s: horizon_s.map_or(0, i64::from),
            grid_s: i64::from(grid_s),
            waiting: Vec::new(),
            give,
        }
    }

    /// Hands on all that waits, without outcomes: there are no more ticks.
    pub fn finish(mut self) {
        for rows in &mut self.waiting {
            rows.drain(..).for_each(&mut self.give);
        }
    }

    /// The rows of a symbol that wait.
    fn of(&mut self, symbol: SymbolId) -> &mut VecDeque<Exported> {
        let place = symbol.0 as usize;
        if place >= self.waiting.len() {
            self.waiting.resize_with(place + 1, VecDeque::new);
        }
        &mut self.waiting[place]
    }

    /// Hands on the rows of a symbol at or before `second`; the one at `second` itself has this outcome.
    fn hand_on(&mut self, symbol: SymbolId, second: i64, outcome: Option<f64>) {
        while self.of(symbol).front().is_some_and(|row| row.pending.second <= second)
            && let Some(mut row) = self.of(symbol).pop_front()
        {
            row.realised = outcome.filter(|_| row.pending.second == second);
            (self.give)(row);
        }
    }
}

impl<F: FnMut(Exported)> Out for RowOrder<F> {
    fn effect(&mut self, symbol: &Arc<Symbol>, effect: &Effect) {
        match effect {
            Effect::GridRow(row) => self.grid_row(symbol, row),
            Effect::Outcome(outcome) if self.horizon_s > 0 => {
                self.hand_on(symbol.id, outcome.pending.second, Some(outcome.realised));
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
            (self.give)(row);
            return;
        }
        self.hand_on(symbol.id, second - self.horizon_s, None);
        self.of(symbol.id).push_back(row);
    }
}
