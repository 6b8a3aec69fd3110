//! A shard's side of the lanes: whose partition it is, ticks in, encoded predictions out.

use rustc_hash::FxHashMap;

use super::{NoOut, Out, ShardCore};
use crate::{
    lane::{Emit, Epoch, LaneOrder, LaneOutput, LaneOutputs, LaneReply, LaneTick, LaneWork, answer},
    predict::{Prediction, StateFrom},
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
                push(&mut outputs, prediction);
            }
        }
        outputs
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
    }
}

fn wanted(emit: Emit, before: Option<i64>, prediction: &Prediction) -> bool {
    match emit {
        Emit::EveryTick => true,
        Emit::EverySecond => before != Some(prediction.scored.as_of.second()),
        Emit::Spikes => prediction.spike() == Some(true),
    }
}

fn push(outputs: &mut LaneOutputs, prediction: Prediction) {
    serde_json::to_writer(&mut outputs.bytes, &prediction)
        .expect("a prediction is a structure, which JSON can hold, and memory takes every byte");
    let position = prediction.position();
    let Prediction { symbol, scored, model, .. } = prediction;
    let end = outputs.bytes.len();
    outputs.outputs.push(LaneOutput { symbol, position, as_of: scored.as_of, model, end });
}
