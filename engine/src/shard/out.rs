//! The output of a shard's step.

use std::sync::Arc;

use crate::{message::Answer, state::Effect, symbol::Symbol};

/// Receives the predictions and effects of a step as they arise.
pub trait Out {
    /// Which predictions to pass to [`Out::prediction`].
    fn wanted(&self) -> Wanted {
        Wanted::Nothing
    }
    /// Receives a prediction with its JSON.
    fn prediction(&mut self, _answer: Arc<Answer>) {}
    /// Receives an effect of one of the symbol's ticks, in the order of the ticks.
    fn effect(&mut self, _symbol: &Arc<Symbol>, _effect: &Effect) {}
}

/// The predictions that an [`Out`] wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// No prediction: none is encoded.
    Nothing,
    /// At the end of a step, the newest prediction of each symbol that had ticks in it.
    NewestOfStep,
    /// The prediction of every accepted tick, in the order of the ticks.
    EveryTick,
}

/// Discards everything.
#[derive(Debug, Default)]
pub struct NoOut;

impl Out for NoOut {}
