//! The time that the training of a finished candidate has seen: rows of that time may not judge it.

use model::{ModelInfo, learn::WalkForward};

use crate::training::SPAN_KEY;

/// The time that a training has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TrainingSpan {
    /// Event time of the training's first row, seconds since 1970; `None` if it is not known.
    pub(super) first_s: Option<i64>,
    /// The last second that the training has seen.
    pub(super) end_s: i64,
    /// First and last second of each symbol, as far as the model says them.
    symbols: Vec<(String, SymbolSpan)>,
    /// Seconds before a symbol's first row in which no row may judge.
    gap_s: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SymbolSpan {
    first_s: i64,
    end_s: i64,
}

impl TrainingSpan {
    /// All time up to `end_s`, of every symbol.
    pub(super) fn up_to(end_s: i64) -> Self {
        Self { first_s: None, end_s, symbols: Vec::new(), gap_s: 0 }
    }

    /// All time up to `end_s`, and the spans of single symbols in the model's provenance, which may have ended long
    /// before.
    pub(super) fn from_model(info: &ModelInfo, end_s: i64, walk: &WalkForward) -> Self {
        let mut seen = Self { gap_s: walk.gap_s(), ..Self::up_to(end_s) };
        let horizon_s = i64::from(walk.horizon_s);
        for (key, value) in &info.provenance {
            let bounds = value.split_once("..").and_then(|(first, last)| {
                Some(SymbolSpan {
                    first_s: first.parse().ok()?,
                    end_s: last.parse::<i64>().ok()? + horizon_s,
                })
            });
            let Some(span) = bounds else { continue };
            match key.strip_prefix(SPAN_KEY).map(str::trim_start) {
                Some("") => seen.first_s = Some(span.first_s),
                Some(symbol) => seen.symbols.push((symbol.to_owned(), span)),
                None => {}
            }
        }
        seen
    }

    /// Whether the training has rows of this symbol around this second.
    pub(super) fn has_learned(&self, symbol: &str, second: i64) -> bool {
        match self.span_of(symbol) {
            Some(span) => (span.first_s..=span.end_s).contains(&second),
            None => second <= self.end_s && self.first_s.is_none_or(|first_s| second >= first_s),
        }
    }

    /// Whether a row of this symbol at this second may judge. It is later than all that was learned, or later than what
    /// was learned of its own symbol and at no time of another's: symbols move together.
    pub(super) fn may_judge(&self, symbol: &str, second: i64) -> bool {
        let is_clear =
            |span: SymbolSpan| second > span.end_s || second.saturating_add(self.gap_s) < span.first_s;
        second > self.end_s
            || self.span_of(symbol).is_some_and(|own| second > own.end_s)
                && self.symbols.iter().all(|(_, span)| is_clear(*span))
    }

    /// The span of a symbol that the model names. The clock of a simulated symbol means nothing, so it has none.
    fn span_of(&self, symbol: &str) -> Option<SymbolSpan> {
        let named = self.symbols.iter().find(|(name, _)| name == symbol && !name.starts_with("simulator:"));
        named.map(|(_, span)| *span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_whose_training_is_over_may_judge_but_not_beside_another_that_was_learned_from() {
        let mut info = ModelInfo::new("m", "1", "ml", Vec::new());
        info.provenance = [
            ("event_time_s", "100..9000"),
            ("event_time_s a:X", "100..1000"),
            ("event_time_s b:Y", "5000..9000"),
            ("event_time_s simulator:Z", "100..200"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec();
        let seen = TrainingSpan::from_model(&info, 9060, &WalkForward::default());
        for (symbol, second, expected) in [
            ("a:X", 1060, false),
            ("a:X", 1065, true),
            ("a:X", 4639, true),
            ("a:X", 4640, false),
            ("a:X", 9060, false),
            ("a:X", 9065, true),
            ("b:Y", 4000, false),
            ("c:Unknown", 4000, false),
            ("simulator:Z", 4000, false),
            ("simulator:Z", 9065, true),
        ] {
            assert_eq!(seen.may_judge(symbol, second), expected, "{symbol} at {second}");
        }
        assert!(seen.has_learned("a:X", 1000) && !seen.has_learned("a:X", 4000));
        assert!(seen.has_learned("c:Unknown", 4000) && !seen.has_learned("c:Unknown", 99));
        let plain = TrainingSpan::up_to(1000);
        assert!(!plain.may_judge("a:X", 1000) && plain.may_judge("a:X", 1005) && plain.has_learned("a:X", 0));
    }
}
