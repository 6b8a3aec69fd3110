//! A shard's side of the lanes: whose partition it is, ticks in, encoded predictions out.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{NoOut, Out, ShardCore, event_nanos};
use crate::{
    bound_model::BoundModel,
    lane::{Emit, Epoch, LaneOrder, LaneOutput, LaneOutputs, LaneReply, LaneTick, LaneWork, answer},
    prediction::{Prediction, StateFrom},
    symbol::{Offset, Partition},
};

/// The partitions that lanes own here.
pub(super) type Ownerships = FxHashMap<Partition, Ownership>;

/// One lane's hold of a partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ownership {
    epoch: Epoch,
    new_origin_before: Offset,
}

impl Ownership {
    /// Where the state of a symbol first seen at `offset` begins.
    pub(super) fn state_from(&self, offset: Offset) -> StateFrom {
        if offset < self.new_origin_before { StateFrom::NewOrigin } else { StateFrom::Origin }
    }
}

impl ShardCore {
    /// Does what a lane wants, and answers.
    pub fn lane(&mut self, order: LaneOrder, out: &mut impl Out) {
        let LaneOrder { work, reply } = order;
        match work {
            LaneWork::Open { partition, epoch, new_origin_before } => {
                if self.ownerships.get(&partition).is_none_or(|present| present.epoch < epoch) {
                    self.drop_partition(partition);
                    self.ownerships.insert(partition, Ownership { epoch, new_origin_before });
                }
            }
            LaneWork::Close { partition, epoch } => {
                if self.owns(partition, epoch) {
                    self.drop_partition(partition);
                }
            }
            LaneWork::Ticks { shard, new_symbols, ticks, emit } => {
                for symbol in new_symbols {
                    self.names.insert(symbol.id, symbol);
                }
                let outputs = self.lane_ticks(&ticks, emit, out);
                answer(&reply, LaneReply::Ticks(LaneOutputs { shard, ..outputs }));
            }
            LaneWork::Snapshot { key, epoch } => {
                let bytes = self.owns(key.partition, epoch).then(|| self.snapshot(key)).flatten();
                answer(&reply, LaneReply::Snapshot { key, bytes });
            }
            LaneWork::Restore { symbol, key, epoch, snapshot } => {
                let owned = self.owns(key.partition, epoch);
                let outcome = owned.then(|| self.restore(symbol, key, &snapshot));
                answer(&reply, LaneReply::Restored { key, outcome });
            }
        }
    }

    fn owns(&self, partition: Partition, epoch: Epoch) -> bool {
        self.ownerships.get(&partition).is_some_and(|present| present.epoch == epoch)
    }

    fn lane_ticks(&mut self, ticks: &[LaneTick], emit: Emit, out: &mut impl Out) -> LaneOutputs {
        let mut outputs = LaneOutputs { ticks: ticks.len(), ..LaneOutputs::default() };
        for tick in ticks {
            if !self.owns(tick.routed.key.partition, tick.epoch) {
                outputs.foreign += 1;
                continue;
            }
            // Where nothing is written, nobody hears of it either: watchers have seen it when it was live.
            if !tick.emit {
                self.tick(&tick.routed, &mut NoOut);
                continue;
            }
            let before = self.newest_second(tick);
            let Some(i) = self.tick(&tick.routed, out) else { continue };
            let prediction = self.prediction(i).expect("an accepted tick gives a prediction");
            if wanted(emit, before, &prediction) {
                let is_stand_in = self.is_stand_in(prediction.scored.model_hash);
                push(&mut outputs, prediction, is_stand_in);
            }
        }
        outputs
    }

    /// Whether the model of this hash scores only where the loaded one does worse.
    fn is_stand_in(&self, hash: u64) -> bool {
        let has_hash = |model: &Option<Arc<BoundModel>>| model.as_ref().is_some_and(|m| m.hash() == hash);
        has_hash(&self.scoring.baseline) && !has_hash(&self.scoring.model)
    }

    /// The event second of the symbol's newest tick.
    fn newest_second(&self, tick: &LaneTick) -> Option<i64> {
        let i = *self.index.get(&tick.routed.key)?;
        Some(self.entries[i].state.clock()?.second())
    }

    /// Forgets every symbol of a partition. Its ownership stays, so that its epoch never sinks.
    fn drop_partition(&mut self, partition: Partition) {
        for i in self.touched.drain(..) {
            self.entries[i].touched = false;
        }
        self.entries.retain(|entry| entry.key.partition != partition);
        self.index = self.entries.iter().enumerate().map(|(i, entry)| (entry.key, i)).collect();
        self.metrics.symbols.set(self.entries.len() as u64);
        let newest = self.entries.iter().filter_map(|entry| entry.state.clock()).map(event_nanos).max();
        self.metrics.newest_tick_nanos.set(newest.unwrap_or(0));
        let simulated = self.entries.iter().filter(|entry| entry.symbol.is_simulated()).count();
        self.metrics.symbols_simulated.set(simulated as u64);
    }
}

fn wanted(emit: Emit, before: Option<i64>, prediction: &Prediction) -> bool {
    match emit {
        Emit::EveryTick => true,
        Emit::EverySecond => before != Some(prediction.scored.as_of.second()),
        Emit::Spikes => prediction.spike() == Some(true),
    }
}

fn push(outputs: &mut LaneOutputs, prediction: Prediction, is_stand_in: bool) {
    serde_json::to_writer(&mut outputs.bytes, &prediction)
        .expect("a prediction is a structure, which JSON can hold, and memory takes every byte");
    let position = prediction.position();
    let Prediction { symbol, scored, model, .. } = prediction;
    let end = outputs.bytes.len();
    outputs.outputs.push(LaneOutput { symbol, position, as_of: scored.as_of, model, is_stand_in, end });
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use crossbeam::channel::{Receiver, Sender, bounded};

    use super::*;
    use crate::{
        message::{Message, RoutedTick},
        metrics::ShardMetrics,
        sim::{SimConfig, Simulator},
        state::StateSettings,
        symbol::{Position, Symbol, SymbolKey, SymbolTable},
    };

    struct Rig {
        core: ShardCore,
        names: SymbolTable,
        reply: Sender<LaneReply>,
        replies: Receiver<LaneReply>,
    }

    impl Rig {
        fn new() -> Self {
            let core = ShardCore::new(StateSettings::default(), None, Arc::new(ShardMetrics::default()));
            let (reply, replies) = bounded(4);
            Self { core, names: SymbolTable::default(), reply, replies }
        }

        fn give(&mut self, work: LaneWork) {
            let order = Message::Lane(LaneOrder { work, reply: self.reply.clone() });
            self.core.step(Instant::now(), &mut vec![order], &mut NoOut);
        }

        fn open(&mut self, new_origin_before: u64) -> Epoch {
            let epoch = Epoch::next();
            let new_origin_before = Offset(new_origin_before);
            self.give(LaneWork::Open { partition: Partition(3), epoch, new_origin_before });
            epoch
        }

        fn symbol(&self) -> (Arc<Symbol>, SymbolKey) {
            let symbol = self.names.intern("simulator", "BTC-USD").unwrap();
            let key = SymbolKey { partition: Partition(3), symbol: symbol.id };
            (symbol, key)
        }

        /// The outputs of these ticks of the simulator, as text.
        fn ticks(&mut self, epoch: Epoch, range: std::ops::Range<usize>, emit: bool) -> (Vec<String>, usize) {
            let (symbol, key) = self.symbol();
            let ticks = Simulator::new(SimConfig::default()).filter(|(symbol, _)| *symbol == 0);
            let ticks = ticks.enumerate().skip(range.start).take(range.len()).map(|(i, (_, tick))| {
                let position = Position { partition: Partition(3), offset: Offset(i as u64), index: 0 };
                LaneTick { routed: RoutedTick { key, position, tick }, epoch, emit }
            });
            let ticks = ticks.collect();
            self.give(LaneWork::Ticks { shard: 0, new_symbols: vec![symbol], ticks, emit: Emit::EveryTick });
            let Ok(LaneReply::Ticks(outputs)) = self.replies.try_recv() else { panic!("no outputs") };
            let text = |(_, bytes): (&LaneOutput, &[u8])| String::from_utf8(bytes.to_vec()).unwrap();
            (outputs.iter().map(text).collect(), outputs.foreign)
        }
    }

    #[test]
    fn a_snapshot_and_silent_ticks_give_the_bytes_of_no_interruption() {
        let mut rig = Rig::new();
        let epoch = rig.open(0);
        let (through, _) = rig.ticks(epoch, 0..900, true);
        assert_eq!(through.len(), 900);
        let epoch = rig.open(0);
        rig.ticks(epoch, 0..300, true);
        let (symbol, key) = rig.symbol();
        rig.give(LaneWork::Snapshot { key, epoch });
        let Ok(LaneReply::Snapshot { bytes: Some(snapshot), .. }) = rig.replies.try_recv() else {
            panic!("no snapshot")
        };
        let epoch = rig.open(0);
        rig.give(LaneWork::Restore { symbol, key, epoch, snapshot });
        let Ok(LaneReply::Restored { outcome: Some(Ok(())), .. }) = rig.replies.try_recv() else {
            panic!("not restored")
        };
        assert_eq!(rig.ticks(epoch, 300..500, false).0, Vec::<String>::new());
        assert_eq!(rig.ticks(epoch, 500..900, true).0, through[500..]);
    }

    #[test]
    fn a_restored_state_has_its_times_and_its_probability_and_a_dropped_one_takes_them_along() {
        let mut rig = Rig::new();
        let epoch = rig.open(0);
        rig.ticks(epoch, 0..300, true);
        let (symbol, key) = rig.symbol();
        rig.give(LaneWork::Snapshot { key, epoch });
        let Ok(LaneReply::Snapshot { bytes: Some(snapshot), .. }) = rig.replies.try_recv() else {
            panic!("no snapshot")
        };
        let newest = rig.core.metrics.newest_tick_nanos.get();
        assert!(newest > 0);

        let mut rig = Rig::new();
        let epoch = rig.open(0);
        rig.give(LaneWork::Restore { symbol, key, epoch, snapshot });
        let metrics = rig.core.metrics.clone();
        assert_eq!((metrics.newest_tick_nanos.get(), metrics.restored.get()), (newest, 1));
        assert_eq!(metrics.ticks_accepted.get(), 0);
        assert_eq!(metrics.newest_arrival.elapsed_at(Instant::now()), None, "nothing has arrived");
        rig.give(LaneWork::Close { partition: Partition(3), epoch });
        assert_eq!(metrics.newest_tick_nanos.get(), 0);
    }

    #[test]
    fn an_earlier_owner_moves_nothing_any_more() {
        let mut rig = Rig::new();
        let older = rig.open(0);
        let newer = rig.open(0);
        let (expected, _) = rig.ticks(newer, 0..50, true);
        assert_eq!(rig.ticks(older, 50..60, true), (Vec::new(), 10));
        rig.give(LaneWork::Close { partition: Partition(3), epoch: older });
        let (_, key) = rig.symbol();
        rig.give(LaneWork::Snapshot { key, epoch: older });
        assert!(matches!(rig.replies.try_recv(), Ok(LaneReply::Snapshot { bytes: None, .. })));
        let epoch = rig.open(0);
        assert_eq!(rig.ticks(epoch, 0..50, true).0, expected, "a new ownership begins without state");
    }

    #[test]
    fn a_symbol_that_lost_its_past_says_so() {
        let mut rig = Rig::new();
        let epoch = rig.open(1);
        let (outputs, _) = rig.ticks(epoch, 0..1, true);
        assert!(outputs[0].contains(r#""state_from":"new_origin""#), "{}", outputs[0]);
        let epoch = rig.open(0);
        let (outputs, _) = rig.ticks(epoch, 0..1, true);
        assert!(outputs[0].contains(r#""state_from":"origin""#), "{}", outputs[0]);
    }
}
