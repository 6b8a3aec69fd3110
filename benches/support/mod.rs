//! What the benches share: distinct simulated ticks, a forest of a given shape, and how long they run.

#![allow(dead_code, reason = "each bench uses a part")]

pub(crate) mod distinct;

use std::{sync::Arc, time::Duration};

use engine::{
    bound_model::BoundModel,
    features,
    limits::TICKS_PER_BATCH_MAX,
    message::{Batch, Epoch, Message, RoutedTick},
    sim::{SimConfig, Simulator},
    symbol::{Offset, Partition, Position, SymbolKey, SymbolTable},
    tick::Tick,
};
use model::{
    MemberDraft, Model, ModelDraft, ModelInfo,
    forest::{CanonicalForest, CanonicalNode, CanonicalTree, Missing, SumKind},
};

/// Whether the bench runs as a test: once, in its small size. Cargo passes `--bench` only to `cargo bench`.
pub(crate) fn is_test() -> bool {
    !std::env::args().any(|argument| argument == "--bench")
}

/// `large` in a bench, `small` in a test.
pub(crate) fn size(large: usize, small: usize) -> usize {
    if is_test() { small } else { large }
}

/// The processor time of this thread so far.
pub(crate) fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The value in the middle.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The first `count` ticks of the built-in market (three symbols, seed 1), each with its symbol's number.
pub(crate) fn simulated_ticks(count: usize) -> Vec<(usize, Tick)> {
    Simulator::new(SimConfig::default()).take(count).collect()
}

/// The products of [`simulated_ticks`], by number.
pub(crate) fn products() -> Vec<String> {
    SimConfig::default().symbols.into_iter().map(|symbol| symbol.product).collect()
}

/// The ticks as the batches a shard receives.
pub(crate) fn batches(ticks: &[(usize, Tick)]) -> Vec<Batch> {
    let table = SymbolTable::default();
    let symbols: Vec<_> = products()
        .iter()
        .map(|product| table.intern("simulator", product).expect("three symbols fit the table"))
        .collect();
    let mut batches: Vec<Batch> = ticks
        .chunks(TICKS_PER_BATCH_MAX)
        .enumerate()
        .map(|(chunk, ticks)| Batch {
            new_symbols: Vec::new(),
            reply: None,
            ticks: ticks
                .iter()
                .enumerate()
                .map(|(i, (number, tick))| {
                    let key = SymbolKey { partition: Partition(*number as u32), symbol: symbols[*number].id };
                    let offset = Offset((chunk * TICKS_PER_BATCH_MAX + i) as u64);
                    let position = Position { partition: key.partition, offset, index: 0 };
                    RoutedTick { key, position, epoch: Epoch::NONE, tick: *tick }
                })
                .collect(),
        })
        .collect();
    batches[0].new_symbols = symbols;
    batches
}

/// A batch as a message, copied: a shard consumes its messages.
pub(crate) fn message(batch: &Batch) -> Message {
    Message::Ticks(Batch { new_symbols: batch.new_symbols.clone(), ticks: batch.ticks.clone(), reply: None })
}

/// A generator of fixed numbers in 0..1, so that every run builds the same forest.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A forest of complete trees over the engine's features, with thresholds where their values lie.
pub(crate) fn forest_model(tree_count: usize, depth: u32) -> Arc<Model> {
    forest_model_of_horizon(tree_count, depth, 0)
}

/// A forest of this shape that predicts `horizon_s` seconds ahead; 0 leaves the horizon open.
pub(crate) fn forest_model_of_horizon(tree_count: usize, depth: u32, horizon_s: u32) -> Arc<Model> {
    let mut numbers = Numbers(7);
    let trees = (0..tree_count).map(|_| complete_tree(&mut numbers, depth)).collect();
    let forest = CanonicalForest { trees, base: -2.0, sum: SumKind::F64 };
    let mut info = ModelInfo::new("bench", "1", "ml", features::schema());
    info.horizon_s = horizon_s;
    let draft = ModelDraft::new(info, vec![(1.0, MemberDraft::Forest(forest))])
        .expect("the forest was built within the bounds of a file");
    let bytes = draft.to_bytes().expect("a checked draft has bytes");
    Arc::new(Model::from_bytes(&bytes).expect("what was just written reads back"))
}

/// A forest of this shape, bound to the engine's rows.
pub(crate) fn bound_forest(tree_count: usize, depth: u32) -> Arc<BoundModel> {
    Arc::new(BoundModel::new(forest_model(tree_count, depth)).expect("it names the engine's features"))
}

fn complete_tree(numbers: &mut Numbers, depth: u32) -> CanonicalTree {
    let splits = (1_usize << depth) - 1;
    let nodes = (0..splits + (1 << depth))
        .map(|i| {
            if i >= splits {
                return CanonicalNode::Leaf(f64::from((numbers.next() * 0.02 - 0.01) as f32));
            }
            CanonicalNode::Split {
                feature: (numbers.next() * features::FEATURE_COUNT as f64) as u16,
                threshold: (numbers.next() * 4.0 - 2.0) as f32,
                missing: if numbers.next() < 0.5 { Missing::Left } else { Missing::Right },
                left: (2 * i + 1) as u32,
                right: (2 * i + 2) as u32,
            }
        })
        .collect();
    CanonicalTree { nodes, cover: Vec::new() }
}
