//! The data of one symbol in its shard: its state, and its cached answer.

use std::sync::Arc;

use model::ModelInfo;

use super::shadow::Waiting;
use crate::{
    message::Answer,
    state::SymbolState,
    symbol::{Symbol, SymbolKey},
};

/// The data of one symbol in the shard.
pub(super) struct Entry {
    pub(super) symbol: Arc<Symbol>,
    pub(super) key: SymbolKey,
    /// Boxed, so that the vector of entries stays small and cheap to grow.
    pub(super) state: Box<SymbolState>,
    /// Info of the model that scored the newest tick.
    pub(super) scored_by: Option<Arc<ModelInfo>>,
    /// Whether the newest tick may have been scored by another model than the loaded one, as after a swap or a restore.
    /// A question then makes the loaded model score the state again.
    pub(super) is_outdated: bool,
    /// The cached answer, valid until the next tick or swap. HTTP fronts keep it too and check that it is not
    /// superseded.
    pub(super) answer: Option<Arc<Answer>>,
    /// Probabilities of the shadow model whose outcomes are not known yet.
    pub(super) waiting: Waiting,
    /// Whether the present step has accepted a tick of the symbol.
    pub(super) touched: bool,
}

impl Entry {
    /// Drops the cached answer and marks it as superseded for everyone who keeps it.
    pub(super) fn supersede_answer(&mut self) {
        if let Some(answer) = self.answer.take() {
            answer.supersede();
        }
    }
}

/// Supersedes the cached answer when the state is dropped.
impl Drop for Entry {
    fn drop(&mut self) {
        self.supersede_answer();
    }
}
