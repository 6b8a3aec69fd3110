//! Converts a wide forest to the fast canonical form, if no score changes.

use super::{MissingRule, Precision, WideForest, WideNode, WideTree};
use crate::forest::canonical::{
    CanonicalForest, CanonicalNode, CanonicalTree, DEPTH_MAX, Missing, SumKind, narrow_threshold,
};

impl WideForest {
    /// The same forest in the canonical form if it compares f32 values, has one output, and neither sets, zero as
    /// missing nor linear leaves; otherwise `None`.
    pub fn narrowed(&self) -> Option<CanonicalForest> {
        if self.values != Precision::Single || self.base.len() != 1 {
            return None;
        }
        let sum = match self.sum {
            Precision::Single => SumKind::F32,
            Precision::Double => SumKind::F64Leaves,
        };
        let trees = self.trees.iter().map(narrowed_tree).collect::<Option<_>>()?;
        Some(CanonicalForest { trees, base: self.base[0], sum })
    }
}

fn narrowed_tree(tree: &WideTree) -> Option<CanonicalTree> {
    if !tree.lines.is_empty() || height(tree)? > DEPTH_MAX {
        return None;
    }
    let node = |node: &WideNode| match *node {
        WideNode::Leaf(leaf) => Some(CanonicalNode::Leaf(*tree.leaves.get(leaf as usize)?)),
        WideNode::Split { feature, threshold, missing, left, right } => {
            let threshold = narrow_threshold(threshold);
            let missing = match missing {
                MissingRule::Left => Missing::Left,
                MissingRule::Right => Missing::Right,
                MissingRule::Zero => Missing::Zero,
                MissingRule::ZeroLeft | MissingRule::ZeroRight => return None,
            };
            // Nothing is below -inf, not even the slot of a missing value.
            (threshold != f32::NEG_INFINITY).then_some(CanonicalNode::Split {
                feature,
                threshold,
                missing,
                left,
                right,
            })
        }
        WideNode::Member { .. } => None,
    };
    let nodes = tree.nodes.iter().map(node).collect::<Option<_>>()?;
    Some(CanonicalTree { nodes, cover: tree.cover.clone() })
}

/// Levels of splits; `None` if a child is not after its parent.
fn height(tree: &WideTree) -> Option<u32> {
    let mut heights = vec![0_u32; tree.nodes.len()];
    for (at, node) in tree.nodes.iter().enumerate().rev() {
        let (WideNode::Split { left, right, .. } | WideNode::Member { left, right, .. }) = *node else {
            continue;
        };
        let children = [left as usize, right as usize];
        if children.iter().any(|&child| child <= at || child >= heights.len()) {
            return None;
        }
        heights[at] = 1 + heights[children[0]].max(heights[children[1]]);
    }
    heights.first().copied()
}
