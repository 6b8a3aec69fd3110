//! Collects grid rows with their labels for training and evaluation.
//!
//! A row is added when its outcome is known, one horizon after it was scored; a row whose outcome stays undefined is
//! never added. The order is that of the outcomes, which is the order of the ticks.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::{
    features::{EMPTY_ROW, Row},
    prediction::TauSource,
    shard::Out,
    state::{Effect, GridRow, label::HORIZONS_S, outcome::Outcome},
    symbol::{Symbol, SymbolId},
    window::GRID_S,
};

/// Grid instants in the longest horizon.
const WAITING: usize = HORIZONS_S[HORIZONS_S.len() - 1] as usize / GRID_S as usize;

/// A grid row with its outcome.
#[derive(Clone, Debug)]
pub struct LabelledRow {
    /// Index of the symbol in [`Grid::symbols`].
    pub symbol: u32,
    /// The features at the instant.
    pub row: Row,
    /// The prediction at the instant with its outcome.
    pub outcome: Outcome,
}

/// Collects labelled grid rows.
#[derive(Debug, Default)]
pub struct Grid {
    /// The symbols, in the order of their first rows.
    pub symbols: Vec<Arc<Symbol>>,
    numbers: FxHashMap<SymbolId, u32>,
    /// Rows whose outcome is not known yet, by symbol and by the instant modulo the horizon. A row whose outcome stays
    /// undefined is overwritten.
    waiting: Vec<[(i64, Row); WAITING]>,
    /// The labelled rows, in the order of their outcomes.
    pub rows: Vec<LabelledRow>,
}

impl Grid {
    /// The rows whose event is defined by the symbol's own threshold: those a model may learn from.
    pub fn own(&self) -> impl Iterator<Item = &LabelledRow> {
        self.rows.iter().filter(|row| row.outcome.pending.tau_source == TauSource::Own)
    }

    fn number(&mut self, symbol: &Arc<Symbol>) -> u32 {
        *self.numbers.entry(symbol.id).or_insert_with(|| {
            self.symbols.push(symbol.clone());
            self.waiting.push([(i64::MIN, EMPTY_ROW); WAITING]);
            self.symbols.len() as u32 - 1
        })
    }
}

fn slot(second: i64) -> usize {
    second.div_euclid(GRID_S).rem_euclid(WAITING as i64) as usize
}

impl Out for Grid {
    fn effect(&mut self, symbol: &Arc<Symbol>, effect: &Effect) {
        match effect {
            Effect::GridRow(GridRow { row, pending }) => {
                let number = self.number(symbol);
                self.waiting[number as usize][slot(pending.second)] = (pending.second, *row);
            }
            Effect::Outcome(outcome) => {
                let number = self.number(symbol);
                let second = outcome.pending.second;
                let (waited_since, row) = self.waiting[number as usize][slot(second)];
                if waited_since == second {
                    self.rows.push(LabelledRow { symbol: number, row, outcome: *outcome });
                }
            }
            Effect::Gap { .. }
            | Effect::SideInferred
            | Effect::DigitsDropped
            | Effect::QuantityClipped
            | Effect::Feedback(_) => {}
        }
    }
}
