//! Which layout costs least: a model of what the walks were measured to cost, so that equal forests make equal files.
//!
//! The numbers are nanoseconds a row on one core of an AMD EPYC (Zen 4), from `benches/forest.rs`; only their ratios
//! matter. They hold while a forest stays in the second-level cache, and are taken to hold beyond.

use super::{
    blocks::pack::{BLOCK_LEVELS, LINE_TREES},
    layout::Layout,
    oblivious,
    ranks::{
        RankNumbers,
        source::{SourceForest, SourceTree},
    },
};

/// A step of a narrow walk down one level of one tree.
const NARROW_LEVEL_NS: f64 = 1.1;
/// Filling a slot.
const SLOT_NS: f64 = 0.5;
/// Ranking a feature.
const RANK_NS: f64 = 3.5;
/// A step of four trees down three levels.
const BLOCK_STEP_NS: f64 = 3.5;
/// The same for each further sixteen slots.
const BLOCK_SIXTEEN_NS: f64 = 0.4;
/// A step of a wide walk.
const WIDE_LEVEL_NS: f64 = 6.0;

/// The layout that costs least for a forest that `otherwise` could hold as well.
pub(crate) fn cheapest(forest: &SourceForest, otherwise: Layout) -> Layout {
    let Ok(numbers) = RankNumbers::of(forest) else { return otherwise };
    if forest.trees.iter().all(|tree| oblivious::pack::Levels::of(tree).is_some()) {
        // A condition or two in the place of a walk: never dearer.
        return Layout::Oblivious;
    }
    let level_ns = if otherwise == Layout::Wide { WIDE_LEVEL_NS } else { NARROW_LEVEL_NS };
    let levels: u32 = forest.trees.iter().map(SourceTree::height).sum();
    let plain_ns = SLOT_NS * numbers.slot_count() as f64 + level_ns * f64::from(levels);
    let sixteens = numbers.slot_count().div_ceil(16).next_power_of_two();
    let step_ns = BLOCK_STEP_NS + BLOCK_SIXTEEN_NS * (sixteens - 1) as f64;
    let steps = |line: &[SourceTree]| {
        line.iter().map(SourceTree::height).max().unwrap_or(0).div_ceil(BLOCK_LEVELS).max(1)
    };
    let steps: u32 = forest.trees.chunks(LINE_TREES).map(steps).sum();
    let blocks_ns = RANK_NS * numbers.feature_count() as f64 + step_ns * f64::from(steps);
    if blocks_ns < plain_ns { Layout::ByteBlock } else { otherwise }
}
