//! The canonical form of a forest, and the plain walk that defines its score.

use super::wide::Precision;
use crate::{combine::is_moderate, error::DraftError};

/// Most trees of a forest.
pub const TREES_MAX: usize = 1_000_000;
/// Most levels of splits in a tree.
pub const DEPTH_MAX: u32 = 255;

/// The child that a missing value (NaN) goes to at a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// NaN goes to the left child.
    Left,
    /// NaN goes to the right child.
    Right,
    /// NaN goes where 0.0 would go (what LightGBM does if training had no missing values).
    Zero,
}

/// The number types in which leaves are summed, in the order of the trees, starting from the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SumKind {
    /// f32 leaves, an f32 sum (XGBoost).
    F32,
    /// f32 leaves, an f64 sum (native training).
    F64,
    /// f64 leaves, an f64 sum (LightGBM, scikit-learn).
    F64Leaves,
}

/// A split or a leaf. Children are positions in the tree, after their parent's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CanonicalNode {
    /// `row[feature] < threshold` goes left, everything else except NaN goes right.
    Split {
        /// Position of the feature in the row.
        feature: u16,
        /// Values below this go left; finite or +inf.
        threshold: f32,
        /// The child that NaN goes to.
        missing: Missing,
        /// Position of the left child.
        left: u32,
        /// Position of the right child.
        right: u32,
    },
    /// The tree's score, in log-odds.
    Leaf(f64),
}

/// A tree; node 0 is the root.
#[derive(Clone, Debug, PartialEq)]
pub struct CanonicalTree {
    /// The nodes. Each except the root is the child of exactly one earlier node.
    pub nodes: Vec<CanonicalNode>,
    /// The training data that reached each node, one number for each node: counts, weights or summed hessians. Empty if
    /// unknown. Only explanations read it; scores do not depend on it.
    pub cover: Vec<f64>,
}

/// Trees, and how their scores are added.
#[derive(Clone, Debug, PartialEq)]
pub struct CanonicalForest {
    /// The trees, in the order of the sum.
    pub trees: Vec<CanonicalTree>,
    /// The start of the sum, log-odds.
    pub base: f64,
    /// The types of leaves and sum.
    pub sum: SumKind,
}

impl SumKind {
    /// The type of the sum.
    pub(crate) fn precision(self) -> Precision {
        match self {
            Self::F32 => Precision::Single,
            Self::F64 | Self::F64Leaves => Precision::Double,
        }
    }
}

impl CanonicalTree {
    /// The value of the leaf that `row` reaches. This defines the score; tests compare the fast walks with it.
    ///
    /// # Panics
    /// If the tree was not checked, or the row is shorter than the features it reads.
    pub fn leaf(&self, row: &[f32]) -> f64 {
        let mut at = 0;
        loop {
            match self.nodes[at as usize] {
                CanonicalNode::Leaf(value) => return value,
                CanonicalNode::Split { feature, threshold, missing, left, right } => {
                    let value = row[usize::from(feature)];
                    let goes_left = match missing {
                        Missing::Left if value.is_nan() => true,
                        Missing::Right if value.is_nan() => false,
                        Missing::Zero if value.is_nan() => 0.0 < threshold,
                        _ => value < threshold,
                    };
                    at = if goes_left { left } else { right };
                }
            }
        }
    }
}

impl CanonicalForest {
    /// The forest's raw score for a row, in log-odds: the slow reference of the kernels.
    ///
    /// # Panics
    /// As [`CanonicalTree::leaf`].
    pub fn score(&self, row: &[f32]) -> f64 {
        let leaves = self.trees.iter().map(|tree| tree.leaf(row));
        match self.sum {
            SumKind::F32 => f64::from(leaves.fold(self.base as f32, |sum, leaf| sum + leaf as f32)),
            SumKind::F64 | SumKind::F64Leaves => leaves.fold(self.base, |sum, leaf| sum + leaf),
        }
    }

    /// Number of nodes in all trees, leaves included.
    pub fn node_count(&self) -> usize {
        self.trees.iter().map(|tree| tree.nodes.len()).sum()
    }

    /// Checks everything that packing and the walks rely on.
    ///
    /// # Errors
    /// The first invalid tree and node, and the fault. `member` is used in that message only.
    pub fn check(&self, member: usize, feature_count: usize) -> Result<(), DraftError> {
        if self.trees.is_empty() || self.trees.len() > TREES_MAX {
            let what = format!("{} trees; 1 to {TREES_MAX} are possible", self.trees.len());
            return Err(DraftError::Member { member, what });
        }
        if !is_moderate(self.base) || (self.sum == SumKind::F32 && !is_f32(self.base)) {
            let what = format!("base {} cannot be kept exactly", self.base);
            return Err(DraftError::Member { member, what });
        }
        for (tree, canonical) in self.trees.iter().enumerate() {
            check_tree(canonical, feature_count, self.sum).map_err(|(node, what)| DraftError::Tree {
                member,
                tree,
                node,
                what,
            })?;
        }
        Ok(())
    }
}

/// The least f32 that is not below an f64 threshold: for every f32 `x`, `x < narrow_threshold(t)` exactly when `x < t`
/// compared in f64.
///
/// ```
/// use stormglass_model::forest::narrow_threshold;
/// assert_eq!(narrow_threshold(0.5), 0.5);
/// let above = narrow_threshold(0.1); // 0.1f32 is above 0.1
/// assert_eq!(above, 0.1f32);
/// assert_eq!(narrow_threshold(0.3), 0.3f32); // above as well
/// assert_eq!(narrow_threshold(0.7), 0.7f32.next_up()); // 0.7f32 is below 0.7
/// assert_eq!(narrow_threshold(f64::MAX), f32::INFINITY);
/// ```
pub fn narrow_threshold(threshold: f64) -> f32 {
    let nearest = threshold as f32;
    if f64::from(nearest) < threshold { nearest.next_up() } else { nearest }
}

fn is_f32(value: f64) -> bool {
    f64::from(value as f32) == value
}

fn check_tree(tree: &CanonicalTree, feature_count: usize, sum: SumKind) -> Result<(), (usize, String)> {
    if tree.nodes.is_empty() {
        return Err((0, "the tree has no nodes".to_owned()));
    }
    // Depth of each node, once its parent was visited; parents come first, so one pass suffices.
    let mut depths: Vec<Option<u32>> = vec![None; tree.nodes.len()];
    depths[0] = Some(0);
    for (node, canonical) in tree.nodes.iter().enumerate() {
        let depth = depths[node].ok_or_else(|| (node, "no earlier node has it as a child".to_owned()))?;
        match *canonical {
            CanonicalNode::Leaf(value) => {
                if !is_moderate(value) || (sum != SumKind::F64Leaves && !is_f32(value)) {
                    return Err((node, format!("leaf {value} cannot be kept exactly")));
                }
            }
            CanonicalNode::Split { feature, threshold, left, right, .. } => {
                if usize::from(feature) >= feature_count {
                    return Err((node, format!("feature {feature} of {feature_count}")));
                }
                // Nothing is below -inf, and the slot of a missing value could not be either.
                if threshold.is_nan() || threshold == f32::NEG_INFINITY {
                    return Err((node, format!("threshold {threshold}")));
                }
                if depth == DEPTH_MAX {
                    return Err((node, format!("deeper than {DEPTH_MAX} levels")));
                }
                for child in [left, right] {
                    let place = depths.get_mut(child as usize);
                    let place = place.ok_or_else(|| (node, format!("child {child} is out of range")))?;
                    if child as usize <= node || place.is_some() {
                        return Err((node, format!("child {child} is not after it, or has another parent")));
                    }
                    *place = Some(depth + 1);
                }
            }
        }
    }
    Ok(())
}
