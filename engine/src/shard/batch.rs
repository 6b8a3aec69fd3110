//! Applies a batch of ticks to the states, and returns the predictions as JSON to a lane.

use std::sync::Arc;

use super::{NoOut, Out, ShardCore};
use crate::{
    bound_model::BoundModel,
    message::{Batch, PredictionEntry, Predictions, RoutedTick, ShardReply},
    prediction::Prediction,
    settings::Emit,
};

impl ShardCore {
    /// Applies a batch, and replies with its predictions if the sender wants them. Ticks whose epoch is not the newest
    /// of their partition are refused.
    pub fn ticks(&mut self, batch: &Batch, out: &mut impl Out) {
        for symbol in &batch.new_symbols {
            self.names.insert(symbol.id, symbol.clone());
        }
        match &batch.reply {
            None => {
                for tick in &batch.ticks {
                    if self.epoch(tick.key.partition) == tick.epoch {
                        self.tick(tick, out);
                    }
                }
            }
            Some(reply) => {
                let predictions = self.predictions(&batch.ticks, reply.emit, out);
                ShardReply::Predictions(Predictions { shard: reply.shard, ..predictions }).send(&reply.to);
            }
        }
    }

    fn predictions(&mut self, ticks: &[RoutedTick], emit: Emit, out: &mut impl Out) -> Predictions {
        let mut predictions = Predictions { ticks: ticks.len(), ..Predictions::default() };
        for tick in ticks {
            let ownership = self.ownerships.get(&tick.key.partition);
            let Some(ownership) = ownership.filter(|ownership| ownership.epoch == tick.epoch) else {
                predictions.foreign += 1;
                continue;
            };
            // The output has seen this tick when it was live.
            if tick.position.offset < ownership.emit_from {
                self.tick(tick, &mut NoOut);
                continue;
            }
            let second_before = self.newest_second(tick);
            let Some(i) = self.tick(tick, out) else { continue };
            let prediction = self.prediction(i).expect("an accepted tick gives a prediction");
            if is_wanted(emit, second_before, &prediction) {
                let is_stand_in = self.is_stand_in(prediction.scored.model_hash);
                push(&mut predictions, prediction, is_stand_in);
            }
        }
        predictions
    }

    /// Whether this is the hash of the baseline and not also that of the loaded model.
    fn is_stand_in(&self, hash: u64) -> bool {
        let has_hash = |model: &Option<Arc<BoundModel>>| model.as_ref().is_some_and(|m| m.hash() == hash);
        has_hash(&self.scoring.baseline) && !has_hash(&self.scoring.model)
    }

    /// The second of the newest event time of the tick's symbol.
    fn newest_second(&self, tick: &RoutedTick) -> Option<i64> {
        let i = *self.index.get(&tick.key)?;
        Some(self.entries[i].state.clock()?.second())
    }
}

fn is_wanted(emit: Emit, second_before: Option<i64>, prediction: &Prediction) -> bool {
    match emit {
        Emit::EveryTick => true,
        Emit::EverySecond => second_before != Some(prediction.scored.as_of.second()),
        Emit::Spikes => prediction.spike() == Some(true),
    }
}

fn push(predictions: &mut Predictions, prediction: Prediction, is_stand_in: bool) {
    serde_json::to_writer(&mut predictions.bytes, &prediction)
        .expect("a prediction is a structure, which JSON can hold, and memory takes every byte");
    let position = prediction.position();
    let Prediction { symbol, scored, model, .. } = prediction;
    let end = predictions.bytes.len();
    predictions.entries.push(PredictionEntry {
        symbol,
        position,
        as_of: scored.as_of,
        model,
        is_stand_in,
        end,
    });
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use crossbeam::channel::{Receiver, Sender, bounded};

    use super::*;
    use crate::{
        message::{BatchReply, Epoch, Message, PartitionOrder, PartitionWork},
        metrics::ShardMetrics,
        sim::{SimConfig, Simulator},
        state::StateSettings,
        symbol::{Offset, Partition, Position, Symbol, SymbolKey, SymbolTable},
    };

    const PARTITION: Partition = Partition(3);

    struct Rig {
        core: ShardCore,
        names: SymbolTable,
        reply: Sender<ShardReply>,
        replies: Receiver<ShardReply>,
    }

    impl Rig {
        fn new() -> Self {
            let core = ShardCore::new(StateSettings::default(), None, Arc::new(ShardMetrics::default()));
            let (reply, replies) = bounded(4);
            Self { core, names: SymbolTable::default(), reply, replies }
        }

        fn give(&mut self, message: Message) {
            self.core.step(Instant::now(), &mut vec![message], &mut NoOut);
        }

        fn order(&mut self, epoch: Epoch, work: PartitionWork) {
            self.give(Message::Partition(PartitionOrder { partition: PARTITION, epoch, work }));
        }

        fn open(&mut self, new_origin_before: u64, emit_from: u64) -> Epoch {
            let epoch = Epoch::next();
            let (new_origin_before, emit_from) = (Offset(new_origin_before), Offset(emit_from));
            self.order(epoch, PartitionWork::Open { new_origin_before, emit_from });
            epoch
        }

        fn snapshot(&mut self, epoch: Epoch) -> Option<Vec<u8>> {
            let (symbol, reply) = (self.symbol().id, self.reply.clone());
            self.order(epoch, PartitionWork::Snapshot { symbol, reply });
            let Ok(ShardReply::Snapshot { bytes, .. }) = self.replies.try_recv() else { panic!("no reply") };
            bytes
        }

        fn restore(&mut self, epoch: Epoch, snapshot: Vec<u8>) {
            let (symbol, reply) = (self.symbol(), self.reply.clone());
            self.order(epoch, PartitionWork::Restore { symbol, snapshot, reply });
            let Ok(ShardReply::Restored { outcome: Some(Ok(())), .. }) = self.replies.try_recv() else {
                panic!("not restored")
            };
        }

        fn symbol(&self) -> Arc<Symbol> {
            self.names.intern("simulator", "BTC-USD").unwrap()
        }

        /// Predictions of these ticks of the simulator, as text, and the number of foreign ticks.
        fn ticks(&mut self, epoch: Epoch, range: std::ops::Range<usize>) -> (Vec<String>, usize) {
            let symbol = self.symbol();
            let key = SymbolKey { partition: PARTITION, symbol: symbol.id };
            let ticks = Simulator::new(SimConfig::default()).filter(|(symbol, _)| *symbol == 0);
            let ticks = ticks.enumerate().skip(range.start).take(range.len()).map(|(i, (_, tick))| {
                let position = Position { partition: PARTITION, offset: Offset(i as u64), index: 0 };
                RoutedTick { key, position, epoch, tick }
            });
            let reply = Some(BatchReply { to: self.reply.clone(), shard: 0, emit: Emit::EveryTick });
            self.give(Message::Ticks(Batch { new_symbols: vec![symbol], ticks: ticks.collect(), reply }));
            let Ok(ShardReply::Predictions(given)) = self.replies.try_recv() else {
                panic!("no predictions")
            };
            let text = |(_, bytes): (&PredictionEntry, &[u8])| String::from_utf8(bytes.to_vec()).unwrap();
            (given.iter().map(text).collect(), given.foreign)
        }
    }

    #[test]
    fn a_snapshot_and_silent_ticks_give_the_bytes_of_no_interruption() {
        let mut rig = Rig::new();
        let epoch = rig.open(0, 0);
        let (through, _) = rig.ticks(epoch, 0..900);
        assert_eq!(through.len(), 900);
        let epoch = rig.open(0, 0);
        rig.ticks(epoch, 0..300);
        let snapshot = rig.snapshot(epoch).unwrap();
        let epoch = rig.open(0, 500);
        rig.restore(epoch, snapshot);
        assert_eq!(rig.ticks(epoch, 300..500).0, Vec::<String>::new());
        assert_eq!(rig.ticks(epoch, 500..900).0, through[500..]);
    }

    #[test]
    fn a_restored_state_has_its_times_and_its_probability_and_a_dropped_one_takes_them_along() {
        let mut rig = Rig::new();
        let epoch = rig.open(0, 0);
        rig.ticks(epoch, 0..300);
        let snapshot = rig.snapshot(epoch).unwrap();
        let newest = rig.core.metrics.newest_tick_nanos.get();
        assert!(newest > 0);

        let mut rig = Rig::new();
        let epoch = rig.open(0, 0);
        rig.restore(epoch, snapshot);
        let metrics = rig.core.metrics.clone();
        assert_eq!((metrics.newest_tick_nanos.get(), metrics.restored.get()), (newest, 1));
        assert_eq!(metrics.ticks_accepted.get(), 0);
        assert_eq!(metrics.newest_arrival.elapsed_at(Instant::now()), None, "nothing has arrived");
        rig.order(epoch, PartitionWork::Close);
        assert_eq!(metrics.newest_tick_nanos.get(), 0);
    }

    #[test]
    fn an_earlier_owner_moves_nothing_any_more() {
        let mut rig = Rig::new();
        let older = rig.open(0, 0);
        let newer = rig.open(0, 0);
        let (expected, _) = rig.ticks(newer, 0..50);
        assert_eq!(rig.ticks(older, 50..60), (Vec::new(), 10));
        assert_eq!(rig.ticks(Epoch::NONE, 50..60), (Vec::new(), 10), "nor does a source without ownership");
        rig.order(older, PartitionWork::Close);
        assert_eq!(rig.snapshot(older), None);
        let epoch = rig.open(0, 0);
        assert_eq!(rig.ticks(epoch, 0..50).0, expected, "a new ownership begins without state");
    }

    #[test]
    fn a_symbol_that_lost_its_past_says_so() {
        let mut rig = Rig::new();
        let epoch = rig.open(1, 0);
        let (outputs, _) = rig.ticks(epoch, 0..1);
        assert!(outputs[0].contains(r#""state_from":"new_origin""#), "{}", outputs[0]);
        let epoch = rig.open(0, 0);
        let (outputs, _) = rig.ticks(epoch, 0..1);
        assert!(outputs[0].contains(r#""state_from":"origin""#), "{}", outputs[0]);
    }
}
