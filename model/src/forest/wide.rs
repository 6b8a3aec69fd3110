//! The wide form, for other libraries' forests that narrow nodes cannot hold.
//!
//! It supports f64 rows and thresholds, zero as missing, sets of categories, several outputs, vector leaves and linear
//! leaves. This file is the form that an importer builds, with the plain walk that defines its score; `mapped` is the
//! same in a file, walked a tree at a time; `narrowed` converts a wide forest to the fast canonical form if that loses
//! nothing.

mod check;
pub(crate) mod mapped;
mod narrowed;
pub(crate) mod pack;

use crate::row::Row;

/// Most outputs of a forest.
pub const OUTPUTS_MAX: usize = 1024;

/// The type that a value is rounded to before a comparison, or a sum after each addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Numbers are rounded to f32.
    Single,
    /// Numbers stay f64.
    Double,
}

/// The child that a value goes to if the comparison does not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingRule {
    /// NaN goes left.
    Left,
    /// NaN goes right.
    Right,
    /// NaN goes where 0.0 would go.
    Zero,
    /// NaN and everything within [`ZERO_BAND`] of zero goes left.
    ZeroLeft,
    /// NaN and everything within [`ZERO_BAND`] of zero goes right.
    ZeroRight,
}

/// The magnitude up to which LightGBM counts a value as zero: 1e-35 as the nearest f32.
pub const ZERO_BAND: f64 = 1e-35_f32 as f64;

/// Largest value of a linear leaf, so that no sum of them overflows.
pub const LINE_MAX: f64 = 1e250;

/// The rounding of a value before it is looked up among a set's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetRule {
    /// The value is compared as it is (ONNX).
    Exact,
    /// The value is truncated to an integer towards zero, so that -0.5 is category 0 (LightGBM).
    Truncated,
    /// Negative values are in no set, others are truncated to an integer (XGBoost).
    NotNegative,
}

/// A set of values or categories.
#[derive(Clone, Debug, PartialEq)]
pub struct CategorySet {
    /// The rounding of a value before it is looked up.
    pub rule: SetRule,
    /// The members in ascending order; none is NaN.
    pub members: Vec<f64>,
}

/// A split or a leaf. Children are positions in the tree, after their parent's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WideNode {
    /// `row[feature] < threshold` goes left.
    Split {
        /// Position of the feature in the row.
        feature: u16,
        /// Values below this go left; not NaN.
        threshold: f64,
        /// The child that undecided values go to.
        missing: MissingRule,
        /// Position of the left child.
        left: u32,
        /// Position of the right child.
        right: u32,
    },
    /// Values of `row[feature]` in a set go left.
    Member {
        /// Position of the feature in the row.
        feature: u16,
        /// Index of the set in the forest's list.
        set: u32,
        /// Whether NaN goes left.
        missing_left: bool,
        /// Position of the left child.
        left: u32,
        /// Position of the right child.
        right: u32,
    },
    /// A leaf, with its number in this tree.
    Leaf(u32),
}

/// A leaf that is a linear function of some features.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearLeaf {
    /// Start value of the sum.
    pub constant: f64,
    /// Feature and coefficient, in the order of the sum.
    pub terms: Vec<(u16, f64)>,
}

/// A tree; node 0 is the root.
#[derive(Clone, Debug, PartialEq)]
pub struct WideTree {
    /// The nodes. Each except the root is the child of exactly one earlier node.
    pub nodes: Vec<WideNode>,
    /// The output that the leaves are added to; `None`: each leaf has a value for every output.
    pub output: Option<u16>,
    /// The values of all leaves, concatenated.
    pub leaves: Vec<f64>,
    /// A line for each leaf, or empty; only with f64 sums. A line is used if all its features are finite and its value
    /// is within [`LINE_MAX`]; otherwise the leaf's plain value is.
    pub lines: Vec<LinearLeaf>,
    /// The training data that reached each node, one number for each node: counts, weights or summed hessians. Empty if
    /// unknown. Only explanations read it; scores do not depend on it.
    pub cover: Vec<f64>,
}

/// Trees, and how their scores are added.
#[derive(Clone, Debug, PartialEq)]
pub struct WideForest {
    /// The trees, in the order of the sum.
    pub trees: Vec<WideTree>,
    /// The sets that [`WideNode::Member`] nodes refer to.
    pub sets: Vec<CategorySet>,
    /// Start value of each output's sum.
    pub base: Vec<f64>,
    /// The type that values are rounded to before they are compared.
    pub values: Precision,
    /// The type that sums are rounded to after each addition.
    pub sum: Precision,
}

impl WideNode {
    /// Left and right child; `None` for a leaf.
    pub(crate) fn children(self) -> Option<[u32; 2]> {
        match self {
            Self::Leaf(_) => None,
            Self::Split { left, right, .. } | Self::Member { left, right, .. } => Some([left, right]),
        }
    }
}

impl MissingRule {
    /// Whether `value` goes left at `threshold`.
    #[inline]
    pub fn goes_left(self, value: f64, threshold: f64) -> bool {
        let in_zero_band = || value.is_nan() || value.abs() <= ZERO_BAND;
        match self {
            Self::Left if value.is_nan() => true,
            Self::Zero if value.is_nan() => 0.0 < threshold,
            Self::ZeroLeft if in_zero_band() => true,
            Self::ZeroRight if in_zero_band() => false,
            // NaN is below nothing, so it goes right.
            _ => value < threshold,
        }
    }
}

impl SetRule {
    /// The value to look for among the members; NaN is in no set.
    #[inline]
    pub fn key(self, value: f64) -> f64 {
        match self {
            Self::Exact => value,
            // Adding zero makes -0 a plain zero.
            Self::Truncated => value.trunc() + 0.0,
            Self::NotNegative if value < 0.0 => f64::NAN,
            Self::NotNegative => value.trunc() + 0.0,
        }
    }
}

impl CategorySet {
    /// Whether the set contains a value.
    pub fn holds(&self, value: f64) -> bool {
        let key = self.rule.key(value);
        self.members.contains(&key)
    }
}

impl Precision {
    /// The value rounded to this type.
    #[inline]
    pub fn round(self, value: f64) -> f64 {
        match self {
            Self::Single => f64::from(value as f32),
            Self::Double => value,
        }
    }

    /// The sum in this type. (Two f32 values' f64 sum, rounded once more, is their f32 sum: 53 >= 2 * 24 + 2.)
    #[inline]
    pub fn add(self, a: f64, b: f64) -> f64 {
        self.round(a + b)
    }
}

impl LinearLeaf {
    /// The line's value; `None` if a feature is NaN or infinite, or the value too large.
    fn value(&self, row: &[f64]) -> Option<f64> {
        let mut sum = self.constant;
        for &(feature, coefficient) in &self.terms {
            let value = row[usize::from(feature)];
            if !value.is_finite() {
                return None;
            }
            sum += coefficient * value;
        }
        (sum.abs() <= LINE_MAX).then_some(sum)
    }
}

impl WideForest {
    /// Number of outputs: sums that a row has.
    pub fn outputs(&self) -> usize {
        self.base.len()
    }

    /// Number of nodes in all trees, leaves included.
    pub fn node_count(&self) -> usize {
        self.trees.iter().map(|tree| tree.nodes.len()).sum()
    }

    /// The number of the leaf that a row, already rounded, reaches in a tree.
    fn leaf(&self, tree: &WideTree, row: &[f64]) -> u32 {
        let mut at = 0_u32;
        loop {
            let (goes_left, left, right) = match tree.nodes[at as usize] {
                WideNode::Leaf(leaf) => return leaf,
                WideNode::Split { feature, threshold, missing, left, right } => {
                    (missing.goes_left(row[usize::from(feature)], threshold), left, right)
                }
                WideNode::Member { feature, set, missing_left, left, right } => {
                    let value = row[usize::from(feature)];
                    let listed = self.sets[set as usize].holds(value);
                    (if value.is_nan() { missing_left } else { listed }, left, right)
                }
            };
            at = if goes_left { left } else { right };
        }
    }

    /// The sums for a row, one for each output. This defines the score; tests compare the walk over a file with it.
    ///
    /// # Panics
    /// If the forest was not checked, or the row is shorter than the features it reads.
    pub fn score(&self, row: &[f64]) -> Vec<f64> {
        self.sums(row)
    }

    pub(crate) fn sums<R: Row + ?Sized>(&self, row: &R) -> Vec<f64> {
        let row: Vec<f64> = (0..row.width()).map(|at| self.values.round(row.double(at))).collect();
        let mut sums = self.base.clone();
        for tree in &self.trees {
            let leaf = self.leaf(tree, &row) as usize;
            match tree.output {
                Some(output) => {
                    let line = tree.lines.get(leaf).and_then(|line| line.value(&row));
                    let sum = &mut sums[usize::from(output)];
                    *sum = self.sum.add(*sum, line.unwrap_or(tree.leaves[leaf]));
                }
                None => {
                    let values = &tree.leaves[leaf * self.base.len()..];
                    for (sum, &value) in sums.iter_mut().zip(values) {
                        *sum = self.sum.add(*sum, value);
                    }
                }
            }
        }
        sums
    }
}
