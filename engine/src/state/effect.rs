//! What a tick causes in a symbol's state besides its own prediction.
//!
//! [`SymbolState::accept`](super::SymbolState::accept) appends effects to a buffer of its caller, in the order in which
//! they happen; the caller reads them after the tick. So the state calls nobody, and a buffer that is used again costs no
//! allocation.

use super::outcome::{Outcome, Pending};
use crate::{features::Row, feedback::Change};

/// One effect of a tick.
#[derive(Clone, Copy, Debug)]
pub enum Effect {
    /// The silence before the tick was longer than the limit, so its seconds are invalid.
    Gap {
        /// Length of the silence, ns.
        silence_ns: i64,
    },
    /// The taker side of the trade was inferred, because the feed does not give it.
    SideInferred,
    /// A number of the tick has more digits than the scale of the state, and was rounded.
    DigitsDropped,
    /// A quantity of the tick is too large for the scale of the state, and counts as the largest.
    QuantityClipped,
    /// A 5-second grid instant before the tick was scored.
    GridRow(GridRow),
    /// The outcome of an earlier grid instant became known.
    Outcome(Outcome),
    /// The outcomes so far changed how this symbol's predictions are made.
    Feedback(Change),
}

/// A scored grid instant: one row for training and evaluation.
#[derive(Clone, Copy, Debug)]
pub struct GridRow {
    /// The features at the instant.
    pub row: Row,
    /// What was predicted at the instant.
    pub pending: Pending,
}
