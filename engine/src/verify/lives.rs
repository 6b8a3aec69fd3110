//! The lives of each symbol's state, as the receipts in the predictions name them.
//!
//! A symbol has one life while its state is kept. It gets another one when state was lost and restarted at a new
//! origin, or when its second tick set its clock back. The states of two lives overlap in ticks: the later one is
//! rebuilt silently from its origin while the predictions written in between came from the earlier one. A single
//! receipt could be wrong, so a life must fit those around it; a receipt that does not fit is compared with the life
//! that its neighbours name.

use std::collections::BTreeMap;

use super::prediction::{Found, Said};
use crate::{recording::LogError, verify::At};

/// Most lives of one partition: a bound on memory.
const SPANS_MAX: usize = 1_000_000;

/// One life of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Offset of the first record of its state.
    pub(super) origin: u64,
    /// The tick of its first prediction.
    pub(super) first: At,
    /// Whether the state before it was lost.
    pub(super) new_origin: bool,
}

#[derive(Debug)]
struct Claimed {
    span: Span,
    records: u64,
    /// Number of predictions with `new_origin`.
    new_origin: u64,
}

/// The lives of a partition's symbols.
#[derive(Debug)]
pub(super) struct Lives {
    pub(super) config_hash: u64,
    by_symbol: BTreeMap<String, Vec<Claimed>>,
    spans: usize,
    /// The lowest origin in a prediction: all ticks from here on were read.
    lowest_origin: Option<u64>,
    /// The lowest origin that the group committed, for a partition without a prediction.
    committed_origin: Option<u64>,
    /// The lowest and the highest tick with a prediction.
    pub(super) first: Option<At>,
    pub(super) last: Option<At>,
    pub(super) last_offset: Option<u64>,
    pub(super) first_model: Option<Said>,
}

impl Lives {
    /// No lives yet. `config_hash` is the fingerprint of the settings; `committed_origin` is the origin that the group
    /// committed, if any.
    pub(super) fn new(config_hash: u64, committed_origin: Option<u64>) -> Self {
        Self {
            config_hash,
            by_symbol: BTreeMap::new(),
            spans: 0,
            lowest_origin: None,
            committed_origin,
            first: None,
            last: None,
            last_offset: None,
            first_model: None,
        }
    }

    /// Adds a prediction's receipt.
    pub(super) fn add(&mut self, found: &Found) -> Result<(), LogError> {
        let Some(at) = found.at else { return Ok(()) };
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = self.last.max(Some(at));
        self.last_offset = self.last.map(|(offset, _)| offset);
        if self.first_model.is_none() {
            self.first_model = found.model();
        }
        let Some(claim) = &found.claim else { return Ok(()) };
        let is_ours = found.config_hash() == Some(self.config_hash);
        if !is_ours || claim.receipt.origin > at.0 {
            return Ok(());
        }
        let (origin, is_new) = (claim.receipt.origin, claim.receipt.state_from == "new_origin");
        let claimed = self.by_symbol.entry(claim.symbol.clone()).or_default();
        match claimed.iter().rposition(|claimed| claimed.span.origin == origin) {
            Some(i) => {
                // A life does not come back, so the spans in between were wrong.
                self.spans -= claimed.len() - (i + 1);
                claimed.truncate(i + 1);
            }
            None => {
                let is_plausible = claimed
                    .last()
                    .is_none_or(|last| is_new || origin < last.span.origin || last.records == 1);
                if !is_plausible {
                    return Ok(());
                }
                let span = Span { origin, first: at, new_origin: is_new };
                claimed.push(Claimed { span, records: 0, new_origin: 0 });
                self.spans += 1;
                if self.spans > SPANS_MAX {
                    return Err(LogError::Recording(format!(
                        "the receipts of one partition name more than {SPANS_MAX} origins"
                    )));
                }
            }
        }
        let newest = claimed.last_mut().expect("one was found or added");
        newest.records += 1;
        newest.new_origin += u64::from(is_new);
        newest.span.new_origin = 2 * newest.new_origin > newest.records;
        Ok(())
    }

    /// The lives of a symbol with a tick at `offset`, in order. A symbol without predictions has one life if its ticks
    /// were read from the start: its predictions are missing.
    pub(super) fn take(&mut self, symbol: &str, offset: u64) -> Option<Vec<Span>> {
        // Computed before anything is removed.
        let was_read = self.lowest_origin().is_some_and(|lowest| lowest <= offset);
        if let Some(claimed) = self.by_symbol.remove(symbol) {
            return Some(claimed.into_iter().map(|claimed| claimed.span).collect());
        }
        was_read.then(|| vec![Span { origin: offset, first: (u64::MAX, u32::MAX), new_origin: false }])
    }

    fn lowest_origin(&mut self) -> Option<u64> {
        if self.lowest_origin.is_none() {
            let origins = self.by_symbol.values().flatten().map(|claimed| claimed.span.origin);
            self.lowest_origin = origins.min().or(self.committed_origin);
        }
        self.lowest_origin
    }
}
