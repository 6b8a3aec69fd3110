//! A forest in a mapped file, in any layout.

use super::{
    blocks::BlockForest, layout::Layout, narrow::NarrowForest, oblivious::ObliviousForest,
    ragged::RaggedForest, ranks::Kernel, wide::WideForest,
};
use crate::row::Row;

/// A checked forest of one output.
#[derive(Debug)]
pub(crate) enum MappedForest {
    Narrow(NarrowForest),
    Blocks(BlockForest),
    Oblivious(ObliviousForest),
    Ragged(RaggedForest),
}

impl MappedForest {
    /// The layout that the file has.
    pub(crate) fn layout(&self) -> Layout {
        match self {
            Self::Narrow(_) => Layout::Narrow,
            Self::Blocks(_) => Layout::ByteBlock,
            Self::Oblivious(_) => Layout::Oblivious,
            Self::Ragged(_) => Layout::Ragged,
        }
    }

    /// Number of trees.
    pub(crate) fn tree_count(&self) -> usize {
        match self {
            Self::Narrow(forest) => forest.tree_count(),
            Self::Blocks(forest) => forest.tree_count(),
            Self::Oblivious(forest) => forest.tree_count(),
            Self::Ragged(forest) => forest.tree_count(),
        }
    }

    /// Number of nodes in all trees, leaves included.
    pub(crate) fn node_count(&self) -> usize {
        match self {
            Self::Narrow(forest) => forest.node_count(),
            Self::Blocks(forest) => forest.node_count(),
            Self::Oblivious(forest) => forest.node_count(),
            Self::Ragged(forest) => forest.node_count(),
        }
    }

    /// Whether its splits compare f64; otherwise values are rounded to f32.
    pub(crate) fn reads_doubles(&self) -> bool {
        match self {
            Self::Narrow(_) => false,
            Self::Blocks(forest) => forest.ranker().reads_doubles(),
            Self::Oblivious(forest) => forest.ranker().reads_doubles(),
            Self::Ragged(forest) => forest.ranker().reads_doubles(),
        }
    }

    /// Unpacks the forest to trees, breadth first; `None` if it would have more than `nodes_max` nodes.
    pub(crate) fn unpack(&self, nodes_max: usize) -> Option<WideForest> {
        match self {
            Self::Narrow(forest) => forest.unpack(nodes_max),
            Self::Blocks(forest) => forest.unpack(nodes_max),
            Self::Oblivious(forest) => forest.unpack(nodes_max),
            Self::Ragged(forest) => forest.unpack(nodes_max),
        }
    }

    /// Sets the instructions of the walk, if the layout has a choice; false if this machine does not have them.
    pub(crate) fn set_kernel(&mut self, kernel: Kernel) -> bool {
        match self {
            Self::Narrow(_) => true,
            Self::Blocks(forest) => forest.set_kernel(kernel),
            Self::Oblivious(forest) => forest.set_kernel(kernel),
            Self::Ragged(forest) => forest.set_kernel(kernel),
        }
    }

    /// The raw scores of a few rows.
    pub(crate) fn score_together<R: Row + ?Sized>(&self, rows: &[&R], scores: &mut [f64]) {
        match self {
            Self::Narrow(forest) => forest.score_together(rows, scores),
            Self::Blocks(_) | Self::Oblivious(_) | Self::Ragged(_) => {
                for (row, score) in rows.iter().zip(scores) {
                    *score = self.score::<false, R>(row);
                }
            }
        }
    }

    /// The raw score of a row of the model's features, in log-odds. With `CHECKED`, by the portable reference walk with
    /// bounds checks.
    #[inline]
    pub(crate) fn score<const CHECKED: bool, R: Row + ?Sized>(&self, row: &R) -> f64 {
        match self {
            Self::Narrow(forest) if CHECKED => forest.score_checked(row),
            Self::Narrow(forest) => forest.score(row),
            Self::Blocks(forest) if CHECKED => forest.score_checked(row),
            Self::Blocks(forest) => forest.score(row),
            Self::Oblivious(forest) if CHECKED => forest.score_checked(row),
            Self::Oblivious(forest) => forest.score(row),
            Self::Ragged(forest) if CHECKED => forest.score_checked(row),
            Self::Ragged(forest) => forest.score(row),
        }
    }
}
