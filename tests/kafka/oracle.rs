//! The predictions that a log must give, from its records on one thread, without lanes, transactions or snapshots.

use std::{collections::BTreeMap, sync::Arc};

use engine::{
    bound_model::BoundModel,
    decode::{DecodeOptions, Decoded, decode},
    message::{Answer, Batch, Epoch, RoutedTick},
    metrics::ShardMetrics,
    prediction::Prediction,
    shard::{Out, ShardCore, Wanted},
    state::StateSettings,
    symbol::{Offset, Partition, Position, SymbolKey, SymbolTable},
};
use model::Model;

/// Partition, offset, and which ticker of that record.
pub(super) type Source = (u32, u64, u32);

/// A record of the ticks' topic as it was read back.
#[derive(Clone, Debug)]
pub(super) struct Logged {
    pub(super) partition: u32,
    pub(super) offset: u64,
    pub(super) payload: Option<Vec<u8>>,
}

/// The records that must be in the topics.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// Key and payload of each prediction.
    pub(super) predictions: BTreeMap<Source, (String, String)>,
    /// The reason of each dead letter.
    pub(super) dead_letters: BTreeMap<(u32, u64), &'static str>,
}

#[derive(Default)]
struct Keep(Vec<Prediction>);

impl Out for Keep {
    fn wanted(&self) -> Wanted {
        Wanted::EveryTick
    }
    fn prediction(&mut self, answer: Arc<Answer>) {
        self.0.push(answer.prediction.clone());
    }
}

/// Scores a log whose partitions are each in order.
pub(super) fn score(log: &[Logged], model: &Arc<Model>) -> Expected {
    let bound = Arc::new(BoundModel::new(model.clone()).unwrap());
    let metrics = Arc::new(ShardMetrics::default());
    let mut core = ShardCore::new(StateSettings::default(), Some(bound), metrics);
    let (names, mut decoded, mut out) = (SymbolTable::default(), Decoded::default(), Keep::default());
    let mut expected = Expected::default();
    for record in log {
        let payload = record.payload.as_deref().unwrap_or_default();
        let outcome = decode(payload, &DecodeOptions::of_venue("coinbase"), &mut decoded);
        let place = (record.partition, record.offset);
        let rejected = decoded.rejected().first().map(|(_, reason)| *reason);
        if let Some(reason) = outcome.err().or(rejected) {
            expected.dead_letters.insert(place, reason.reason());
        }
        for ticker in decoded.ticks() {
            let symbol = names.intern(ticker.venue, ticker.product).unwrap();
            let partition = Partition(record.partition);
            let key = SymbolKey { partition, symbol: symbol.id };
            let position = Position { partition, offset: Offset(record.offset), index: ticker.index };
            let ticks = vec![RoutedTick { key, position, epoch: Epoch::NONE, tick: ticker.tick }];
            core.ticks(&Batch { new_symbols: vec![symbol], ticks, reply: None }, &mut out);
        }
    }
    for prediction in out.0 {
        let position = prediction.position();
        let source = (position.partition.0, position.offset.0, position.index);
        let payload = serde_json::to_string(&prediction).unwrap();
        let before = expected.predictions.insert(source, (prediction.symbol.name.to_string(), payload));
        assert!(before.is_none(), "one prediction a tick");
    }
    expected
}
