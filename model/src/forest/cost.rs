//! Picks the cheapest layout by fixed costs that were measured once, so that equal forests give equal files.
//!
//! The costs are nanoseconds a row on one core of an AMD EPYC (Zen 4), from `benches/forest.rs`; only their ratios
//! matter. They were measured on forests that fit the second-level cache, and are used for larger ones too.

use super::{
    blocks::pack::{BLOCK_LEVELS, LINE_TREES, is_dense},
    layout::Layout,
    oblivious,
    ragged::{self, cut::Cutter},
    ranks::{
        RankNumbers,
        source::{SourceForest, SourceTree},
    },
};

/// One level down in one tree of a narrow walk.
const NARROW_LEVEL_NS: f64 = 1.1;
/// Filling one slot.
const SLOT_NS: f64 = 0.5;
/// Ranking one feature.
const RANK_NS: f64 = 3.5;
/// Three levels down in four dense trees.
const BLOCK_STEP_NS: f64 = 3.5;
/// Three levels down in four trees with links.
const LINKED_STEP_NS: f64 = 7.0;
/// Extra cost of such a step for each further sixteen slots.
const BLOCK_SIXTEEN_NS: f64 = 0.4;
/// Comparing the conditions of four ragged blocks.
const RAGGED_LINE_NS: f64 = 0.6;
/// Extra cost of comparing four ragged blocks for each further sixteen slots.
const RAGGED_SIXTEEN_NS: f64 = 0.15;
/// One block down in one of eight ragged trees.
const RAGGED_STEP_NS: f64 = 1.2;
/// One level down in a wide tree.
const WIDE_LEVEL_NS: f64 = 6.0;

/// The cheapest layout for this forest; `otherwise` is the layout that holds it if no byte layout does.
pub(crate) fn cheapest(forest: &SourceForest, otherwise: Layout) -> Layout {
    let Ok(numbers) = RankNumbers::of(forest) else { return otherwise };
    if forest.trees.iter().all(|tree| oblivious::pack::Levels::of(tree).is_some()) {
        // One or two conditions replace a whole walk, so this is never slower.
        return Layout::Oblivious;
    }
    let level_ns = if otherwise == Layout::Wide { WIDE_LEVEL_NS } else { NARROW_LEVEL_NS };
    let levels: u32 = forest.trees.iter().map(SourceTree::height).sum();
    let plain_ns = SLOT_NS * numbers.slot_count() as f64 + level_ns * f64::from(levels);
    let sixteens = numbers.slot_count().div_ceil(16).next_power_of_two();
    let step_ns =
        if is_dense(forest.trees.iter().map(SourceTree::height)) { BLOCK_STEP_NS } else { LINKED_STEP_NS };
    let step_ns = step_ns + BLOCK_SIXTEEN_NS * (sixteens - 1) as f64;
    let steps = |line: &[SourceTree]| {
        line.iter().map(SourceTree::height).max().unwrap_or(0).div_ceil(BLOCK_LEVELS).max(1)
    };
    let steps: u32 = forest.trees.chunks(LINE_TREES).map(steps).sum();
    let rank_ns = RANK_NS * numbers.feature_count() as f64;
    let line_ns = RAGGED_LINE_NS + RAGGED_SIXTEEN_NS * (sixteens - 1) as f64;
    let costs = [
        (otherwise, plain_ns),
        (Layout::ByteBlock, rank_ns + step_ns * f64::from(steps)),
        (Layout::Ragged, rank_ns + ragged_ns(&forest.trees, line_ns)),
    ];
    costs
        .into_iter()
        .min_by(|(_, one), (_, other)| one.total_cmp(other))
        .map_or(otherwise, |(layout, _)| layout)
}

/// Estimated nanoseconds to walk ragged trees, without ranking the row.
fn ragged_ns(trees: &[SourceTree], line_ns: f64) -> f64 {
    let (mut blocks, mut steps) = (0, 0);
    for group in trees.chunks(ragged::GROUP_TREES) {
        let cutters = group.iter().map(Cutter::new);
        let (most, sum) = cutters
            .fold((0, 0), |(most, sum), cutter| (u32::max(most, cutter.steps()), sum + cutter.block_count()));
        blocks += sum;
        steps += most * group.len() as u32;
    }
    line_ns * blocks.div_ceil(LINE_TREES) as f64 + RAGGED_STEP_NS * f64::from(steps)
}
