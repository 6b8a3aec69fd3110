//! One symbol of a partition: its lives, and the prediction that a tick should have given.

use super::{At, LogError, Task, life::Life, lives::Span, prediction::Said};
use crate::{decode::DecodedTick, symbol::Partition};

/// The lives of a symbol at one position of the log.
pub(super) struct Symbol {
    pub(super) spans: Vec<Span>,
    /// Index of the life whose predictions the log holds at this position.
    pub(super) speaking: usize,
    /// The states of the spans from `speaking` on; `None` for one that has not begun.
    pub(super) lives: Vec<Option<Life>>,
}

impl Task<'_, '_> {
    /// Applies a tick to the lives; returns the prediction that is due.
    pub(super) fn advance(&mut self, name: &str, at: At, ticker: &DecodedTick<'_>) -> Result<Due, LogError> {
        let Some(symbol) = self.symbols.get_mut(name) else { return Ok(Due::NoState) };
        while symbol.spans.get(symbol.speaking + 1).is_some_and(|next| next.first <= at) {
            symbol.speaking += 1;
            if !symbol.lives.is_empty() {
                symbol.lives.remove(0);
            }
        }
        let Some(speaking) = symbol.spans.get(symbol.speaking).copied() else { return Ok(Due::NoState) };
        self.begin_lives(name, at, ticker)?;
        let Some(symbol) = self.symbols.get_mut(name) else { return Ok(Due::NoState) };
        let baseline_hash =
            self.verifier.settings.baseline.as_ref().map(|model| model.info().sha256.as_str());
        // A prediction of the baseline does not mean that another model is loaded.
        let stood_in =
            matches!(&self.model, Some(Said::Model(sha256)) if Some(sha256.as_str()) == baseline_hash);
        let loaded = self.model.as_ref().filter(|_| !stood_in);
        let (mut due, mut is_known) = (None, true);
        for (i, life) in symbol.lives.iter_mut().enumerate() {
            let Some(life) = life else { continue };
            if let Some(said) = loaded {
                life.load(said, &mut self.verifier.shelf);
            }
            let given = life.tick(at, &ticker.tick);
            if i == 0 {
                (due, is_known) = (given, life.is_known());
            }
        }
        Ok(match (symbol.lives.first(), due) {
            (None, _) => Due::NotBegun,
            (Some(None), _) => Due::Lost,
            _ if !is_known => Due::NoModel,
            (_, None) => Due::Nothing,
            (_, Some(bytes)) => {
                let is_expected = at >= speaking.first
                    || (!speaking.new_origin
                        && (!self.is_cut || self.lives.first.is_some_and(|first| at >= first)));
                Due::Bytes { bytes, is_expected }
            }
        })
    }

    /// Starts the lives that begin at this tick: one whose first tick it is, or one that continues from a kept state.
    fn begin_lives(&mut self, name: &str, at: At, ticker: &DecodedTick<'_>) -> Result<(), LogError> {
        let Some(symbol) = self.symbols.get_mut(name) else { return Ok(()) };
        let spans = &symbol.spans[symbol.speaking..];
        let begun = spans.iter().take_while(|span| span.origin <= at.0).count();
        let were_begun = symbol.lives.len();
        symbol.lives.resize_with(begun.max(were_begun), || None);
        let ticks_from = self.ticks_from.unwrap_or(u64::MAX);
        for (i, life) in symbol.lives.iter_mut().enumerate().filter(|(_, life)| life.is_none()) {
            let is_whole = i >= were_begun && spans[i].origin >= ticks_from;
            let kept = self.verifier.kept.find((self.partition, name), &spans[i..], ticks_from, at.0);
            if !is_whole && kept.is_none() {
                continue;
            }
            let Ok(interned) = self.names.intern(ticker.venue, ticker.product) else { continue };
            let baseline = self.verifier.baseline.clone();
            let partition = Partition(self.partition);
            let mut begun = Life::new(self.verifier.settings, baseline, interned, partition, spans[i]);
            if let Some(kept) = kept.filter(|_| !is_whole) {
                begun.restore(kept)?;
            }
            *life = Some(begun);
        }
        Ok(())
    }
}

/// The prediction that a tick should have given.
pub(super) enum Due {
    /// A prediction with this value.
    Bytes {
        bytes: Vec<u8>,
        /// Whether a missing prediction is a fault.
        is_expected: bool,
    },
    /// No prediction: the tick is dropped, or the emit mode leaves it out.
    Nothing,
    /// No life of the symbol covers the tick.
    NoState,
    /// The life that covers the tick begins later.
    NotBegun,
    /// The first ticks of the life are gone from the log.
    Lost,
    /// The model that scored, or one that shaped the state, is missing.
    NoModel,
}
