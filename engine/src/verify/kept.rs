//! Kept states: a state whose first ticks are gone from the log can be rebuilt from one.

use std::collections::BTreeMap;

use super::lives::Span;

/// A symbol's state up to an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptState {
    /// Topic of the ticks.
    pub topic: String,
    /// Partition of the ticks.
    pub partition: u32,
    /// `venue:product`.
    pub symbol: String,
    /// The offset after the last record in the state.
    pub next: u64,
    /// The snapshot as the shard encoded it.
    pub bytes: Vec<u8>,
}

/// The kept states of one topic, those of each symbol in the order of the log.
#[derive(Debug, Default)]
pub(super) struct KeptStates(BTreeMap<(u32, String), Vec<KeptState>>);

impl KeptStates {
    pub(super) fn new(states: Vec<KeptState>) -> Self {
        let mut by_symbol: BTreeMap<_, Vec<KeptState>> = BTreeMap::new();
        for state in states {
            by_symbol.entry((state.partition, state.symbol.clone())).or_default().push(state);
        }
        by_symbol.values_mut().for_each(|states| states.sort_by_key(|state| state.next));
        Self(by_symbol)
    }

    /// The kept state from which the first of these spans can continue: it belongs to the span, and none of the span's
    /// later ticks is below `ticks_from`.
    pub(super) fn find(
        &self,
        (partition, symbol): (u32, &str),
        spans: &[Span],
        ticks_from: u64,
        offset: u64,
    ) -> Option<&KeptState> {
        let begin = spans.first()?.first.0;
        let end = spans.get(1).map_or(u64::MAX, |next| next.first.0);
        let is_of_span = |state: &&KeptState| state.next > begin && state.next <= end;
        let is_whole = |state: &&KeptState| (ticks_from..=offset).contains(&state.next);
        let states = self.0.get(&(partition, symbol.to_owned()))?;
        states.iter().find(|state| is_of_span(state) && is_whole(state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_state_of_the_span_whose_further_ticks_are_all_there_is_taken() {
        let kept = |next| KeptState {
            topic: "t".to_owned(),
            partition: 3,
            symbol: "a:X".to_owned(),
            next,
            bytes: Vec::new(),
        };
        let states = KeptStates::new([400, 100, 200, 300].map(kept).to_vec());
        let span = |first| Span { origin: 0, first: (first, 0), new_origin: false };
        let find = |spans: &[Span], ticks_from, offset| {
            states.find((3, "a:X"), spans, ticks_from, offset).map(|state| state.next)
        };
        assert_eq!(find(&[span(0)], 150, 500), Some(200));
        assert_eq!(find(&[span(0)], 150, 199), None, "it knows ticks that come later");
        assert_eq!(find(&[span(0)], 401, 500), None, "ticks behind it are gone");
        assert_eq!(find(&[span(250)], 150, 500), Some(300), "that of the span before is another one");
        assert_eq!(find(&[span(0), span(190)], 150, 500), None, "and so is that of the span after");
        assert_eq!(states.find((4, "a:X"), &[span(0)], 0, 500), None);
    }
}
