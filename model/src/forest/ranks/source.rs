//! The input of packing to bytes: the trees of a forest of one output, with thresholds of either type.

use crate::forest::{
    canonical::{CanonicalForest, CanonicalNode, DEPTH_MAX, Missing, SumKind, narrow_threshold},
    wide::{MissingRule, Precision, WideForest, WideNode, WideTree},
};

/// A node like [`CanonicalNode`], with an f64 threshold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SourceNode {
    Leaf(f64),
    Split { feature: u16, threshold: f64, missing: Missing, left: u32, right: u32 },
}

/// A tree, with the levels of splits at and below each node: 0 for a leaf.
#[derive(Debug)]
pub(crate) struct SourceTree {
    pub(crate) nodes: Vec<SourceNode>,
    pub(crate) heights: Vec<u32>,
}

/// Trees, and how their scores are added.
#[derive(Debug)]
pub(crate) struct SourceForest {
    pub(crate) trees: Vec<SourceTree>,
    pub(crate) base: f64,
    pub(crate) sum: SumKind,
    /// The type that values are rounded to before they are compared.
    pub(crate) values: Precision,
}

impl From<&CanonicalForest> for SourceForest {
    fn from(forest: &CanonicalForest) -> Self {
        let node = |node: &CanonicalNode| match *node {
            CanonicalNode::Leaf(value) => SourceNode::Leaf(value),
            CanonicalNode::Split { feature, threshold, missing, left, right } => {
                SourceNode::Split { feature, threshold: f64::from(threshold), missing, left, right }
            }
        };
        let trees = forest.trees.iter().map(|tree| SourceTree::of(tree.nodes.iter().map(node).collect()));
        Self { trees: trees.collect(), base: forest.base, sum: forest.sum, values: Precision::Single }
    }
}

impl SourceForest {
    /// The trees of a checked wide forest; `None` unless it has one output and neither sets, zero as missing nor linear
    /// leaves.
    pub(crate) fn of_wide(forest: &WideForest) -> Option<Self> {
        let &[base] = forest.base.as_slice() else { return None };
        let sum = match forest.sum {
            Precision::Single => SumKind::F32,
            Precision::Double => SumKind::F64Leaves,
        };
        let trees =
            forest.trees.iter().map(|tree| of_wide_tree(tree, forest.values)).collect::<Option<_>>()?;
        Some(Self { trees, base, sum, values: forest.values })
    }
}

fn of_wide_tree(tree: &WideTree, values: Precision) -> Option<SourceTree> {
    if !tree.lines.is_empty() {
        return None;
    }
    let node = |node: &WideNode| match *node {
        WideNode::Leaf(leaf) => Some(SourceNode::Leaf(*tree.leaves.get(leaf as usize)?)),
        WideNode::Split { feature, threshold, missing, left, right } => {
            let missing = match missing {
                MissingRule::Left => Missing::Left,
                MissingRule::Right => Missing::Right,
                MissingRule::Zero => Missing::Zero,
                MissingRule::ZeroLeft | MissingRule::ZeroRight => return None,
            };
            let threshold = match values {
                Precision::Single => f64::from(narrow_threshold(threshold)),
                Precision::Double => threshold,
            };
            Some(SourceNode::Split { feature, threshold, missing, left, right })
        }
        WideNode::Member { .. } => None,
    };
    let tree = SourceTree::of(tree.nodes.iter().map(node).collect::<Option<_>>()?);
    (tree.heights[0] <= DEPTH_MAX).then_some(tree)
}

impl SourceTree {
    /// Computes the heights. Children must come after their parents.
    fn of(nodes: Vec<SourceNode>) -> Self {
        let mut heights = vec![0; nodes.len()];
        for (at, node) in nodes.iter().enumerate().rev() {
            if let SourceNode::Split { left, right, .. } = *node {
                heights[at] = 1 + u32::max(heights[left as usize], heights[right as usize]);
            }
        }
        Self { nodes, heights }
    }

    /// Number of levels of splits.
    pub(crate) fn height(&self) -> u32 {
        self.heights[0]
    }
}
