//! Handles control messages: questions about a shard's symbols, and orders to it.

use std::{sync::Arc, time::Instant};

use model::Model;

use super::{ShardCore, entry::Entry};
use crate::{
    features::FEATURE_COUNT,
    message::{Control, FeaturesAnswer, HistoryAnswer, SymbolSummary},
    prediction::{Status, WarmingReason},
    symbol::SymbolKey,
};

impl ShardCore {
    /// Handles one control message. A reply is dropped if the asker is gone.
    pub(super) fn control(&mut self, now: Instant, control: Control) {
        match control {
            Control::Predict { symbols, model, deadline, reply } => {
                if self.expired(now, deadline, reply.is_closed()) {
                    return;
                }
                let _ = reply.send(self.answers(&symbols, model));
            }
            Control::ScoreRows { model, rows, deadline, reply } => {
                if self.expired(now, deadline, reply.is_closed()) {
                    return;
                }
                self.rows.push(model, rows, reply);
            }
            Control::Features { symbol, model, reply } => {
                let _ = reply.send(self.features_of(symbol, model));
            }
            Control::History { symbol, minutes, reply } => {
                let _ = reply.send(self.history_of(symbol, minutes));
            }
            Control::Symbols { reply } => {
                let _ = reply.send((0..self.entries.len()).filter_map(|i| self.summary(i)).collect());
            }
            Control::SwapModel { model, reply } => {
                // The old model goes back, to be dropped off the shard. An asker that is gone has given the swap up.
                let old = self.swap_model(model);
                if let Err(old) = reply.send(old) {
                    self.swap_model(old);
                }
            }
            Control::SwapShadow { model, reply } => {
                let old = self.swap_shadow(model);
                if let Err(old) = reply.send(old) {
                    self.swap_shadow(old);
                }
            }
            Control::RecentRows { reply } => {
                let _ = reply.send(self.recent.read());
            }
            Control::Quality { reply } => {
                let _ = reply.send(self.quality.read());
            }
        }
    }

    fn expired(&self, now: Instant, deadline: Instant, abandoned: bool) -> bool {
        let expired = abandoned || now > deadline;
        if expired {
            self.metrics.questions_expired.add(1);
        }
        expired
    }

    fn summary(&self, i: usize) -> Option<SymbolSummary> {
        let Entry { symbol, key, state, .. } = &self.entries[i];
        let newest = state.newest()?;
        let known = state.row().iter().filter(|value| !value.is_nan()).count();
        Some(SymbolSummary {
            symbol: symbol.clone(),
            key: *key,
            newest_tick: newest.as_of,
            ticks_accepted: state.ticks_accepted,
            warm: known as f64 / FEATURE_COUNT as f64,
            // With enough ticks any loaded model scores a row, even one that was loaded after it.
            ready: match newest.status {
                Status::Ok { .. } | Status::Warming(WarmingReason::NoModel) => self.scoring.model.is_some(),
                Status::Warming(_) => false,
            },
            price: state.newest_price()?,
        })
    }

    fn history_of(&self, key: SymbolKey, minutes: u32) -> Option<HistoryAnswer> {
        let i = *self.index.get(&key)?;
        let prediction = self.prediction(i)?;
        let (step_s, points) = self.entries[i].state.history(minutes);
        Some(HistoryAnswer { prediction, step_s, points })
    }

    fn features_of(&self, key: SymbolKey, model: Option<Arc<Model>>) -> Option<FeaturesAnswer> {
        let i = *self.index.get(&key)?;
        Some(FeaturesAnswer {
            row: self.entries[i].state.row().to_vec(),
            prediction: self.newest(i, self.pinned(model).as_ref())?,
            summary: self.summary(i)?,
        })
    }
}
