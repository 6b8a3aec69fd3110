//! Handles the effects of a tick: counts them, keeps quality rows and recent rows, scores by the shadow model, notes
//! events, and passes each effect on.

use super::{Out, ShardCore};
use crate::{
    events::Happening,
    metrics::ShardMetrics,
    quality::QualityRow,
    state::{Effect, outcome::Outcome},
    tick::{EventTime, NANOS_PER_SECOND},
};

impl ShardCore {
    /// Handles and removes all buffered effects, which the tick at `as_of` had on entry `i`.
    pub(super) fn take_effects(&mut self, i: usize, as_of: EventTime, out: &mut impl Out) {
        let horizon_s = self.settings.label.horizon_s;
        let is_horizon_ours = self.scoring.predicts_horizon(horizon_s);
        let entry = &mut self.entries[i];
        let (symbol, waiting, metrics) = (&entry.symbol, &mut entry.waiting, &self.metrics);
        let note = |happening| self.events.note(Some(symbol), Some(as_of), happening);
        for effect in self.effects.drain(..) {
            match &effect {
                Effect::Gap { silence_ns } => {
                    metrics.gaps.add(1);
                    note(Happening::Gap { silence_s: *silence_ns as f64 / NANOS_PER_SECOND as f64 });
                }
                Effect::SideInferred => metrics.sides_inferred.add(1),
                Effect::DigitsDropped => {
                    if metrics.digits_dropped.get() == 0 {
                        tracing::warn!(
                            symbol = &*symbol.name,
                            "a price or a quantity has more decimals than are held; it was rounded, and further ones are counted"
                        );
                    }
                    metrics.digits_dropped.add(1);
                }
                Effect::QuantityClipped => {
                    if metrics.quantities_clipped.get() == 0 {
                        tracing::warn!(
                            symbol = &*symbol.name,
                            "a quantity is larger than the largest that is held and counts as that; further ones are counted"
                        );
                    }
                    metrics.quantities_clipped.add(1);
                }
                Effect::GridRow(grid) if grid.pending.probability.is_some() => {
                    metrics.grid_rows_scored.add(1);
                    self.recent.push(&grid.row);
                    if let Some(shadow) = &self.shadow {
                        shadow.score(&grid.row, grid.pending.second, horizon_s, waiting);
                    }
                }
                Effect::GridRow(_) => {}
                Effect::Outcome(outcome) => {
                    // An outcome counts only for a probability of the label's horizon.
                    if is_horizon_ours {
                        count_outcome(metrics, outcome);
                        if let Some(row) = QualityRow::of(symbol.id, outcome) {
                            self.quality.push(row);
                        }
                    }
                    if let Some(shadow) = &self.shadow
                        && let Some(row) = shadow.quality_row(symbol.id, outcome, horizon_s, waiting)
                    {
                        self.quality.push(row);
                    }
                }
                Effect::Feedback(change) => note(Happening::Feedback(*change)),
            }
            out.effect(symbol, &effect);
        }
    }
}

/// Counts the outcome of a grid instant that had a probability.
fn count_outcome(metrics: &ShardMetrics, outcome: &Outcome) {
    if outcome.pending.probability.is_none() {
        return;
    }
    let counter = if outcome.spike() { &metrics.outcomes_spike } else { &metrics.outcomes_calm };
    counter.add(1);
}
