//! Converts between the wide form and its archive.

use super::{MissingRule, Precision, SetRule, WideForest, WideNode, WideTree};
use crate::file::v1;

/// The output number of a tree that adds to all outputs.
pub(crate) const ALL_OUTPUTS: u32 = u32::MAX;
/// Code of a leaf in the file.
pub(crate) const LEAF: u8 = 0;
/// Code of a node that sends `value < threshold` left.
pub(crate) const SPLIT: u8 = 1;
/// Code of a node that sends the members of a set left.
pub(crate) const MEMBER: u8 = 2;

impl Precision {
    /// The code of this type in the file.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Single => 0,
            Self::Double => 1,
        }
    }

    /// The type of a file's code; `None` if it is unknown.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        [Self::Single, Self::Double].into_iter().find(|precision| precision.code() == code)
    }
}

impl MissingRule {
    /// The code of this rule in the file.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Left => 0,
            Self::Right => 1,
            Self::Zero => 2,
            Self::ZeroLeft => 3,
            Self::ZeroRight => 4,
        }
    }

    /// The rule of a file's code; `None` if it is unknown.
    #[inline]
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        const RULES: [MissingRule; 5] = [
            MissingRule::Left,
            MissingRule::Right,
            MissingRule::Zero,
            MissingRule::ZeroLeft,
            MissingRule::ZeroRight,
        ];
        RULES.get(usize::from(code)).copied()
    }
}

impl SetRule {
    /// The code of this rule in the file.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::Exact => 0,
            Self::Truncated => 1,
            Self::NotNegative => 2,
        }
    }

    /// The rule of a file's code; `None` if it is unknown.
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        [Self::Exact, Self::Truncated, Self::NotNegative].into_iter().find(|rule| rule.code() == code)
    }
}

/// Packs a checked forest. `fingerprint` is that of the model's feature list.
///
/// # Errors
/// The limit that the forest exceeds: more parts than 32 bits can number.
pub(crate) fn pack(forest: &WideForest, fingerprint: u64) -> Result<v1::Wide, String> {
    let mut packed = v1::Wide {
        nodes: Vec::with_capacity(forest.node_count()),
        leaf_values: Vec::new(),
        trees: Vec::with_capacity(forest.trees.len()),
        sets: Vec::with_capacity(forest.sets.len()),
        members: Vec::new(),
        lines: Vec::new(),
        terms: Vec::new(),
        base: forest.base.clone(),
        features_fingerprint: fingerprint,
        values: forest.values.code(),
        sum: forest.sum.code(),
    };
    for set in &forest.sets {
        packed.sets.push(v1::WideSet {
            first: number(packed.members.len())?,
            count: number(set.members.len())?,
            rule: set.rule.code(),
        });
        packed.members.extend(&set.members);
    }
    for tree in &forest.trees {
        pack_tree(tree, forest.base.len(), &mut packed)?;
    }
    Ok(packed)
}

fn pack_tree(tree: &WideTree, outputs: usize, packed: &mut v1::Wide) -> Result<(), String> {
    let root = number(packed.nodes.len())?;
    number(packed.nodes.len() + tree.nodes.len())?;
    let first_value = packed.leaf_values.len();
    let first_line = number(packed.lines.len())?;
    let width = if tree.output.is_some() { 1 } else { outputs };
    for node in &tree.nodes {
        let mut wide =
            v1::WideNode { value: 0, left: 0, right: 0, feature: 0, kind: LEAF, missing: 0, reserved: 0 };
        match *node {
            WideNode::Leaf(leaf) => {
                wide.value = (first_value + leaf as usize * width) as u64;
                if !tree.lines.is_empty() {
                    wide.left = first_line + leaf + 1;
                }
            }
            WideNode::Split { feature, threshold, missing, left, right } => {
                (wide.value, wide.kind, wide.missing) = (threshold.to_bits(), SPLIT, missing.code());
                (wide.feature, wide.left, wide.right) = (feature, root + left, root + right);
            }
            WideNode::Member { feature, set, missing_left, left, right } => {
                let missing = if missing_left { MissingRule::Left } else { MissingRule::Right };
                (wide.value, wide.kind, wide.missing) = (u64::from(set), MEMBER, missing.code());
                (wide.feature, wide.left, wide.right) = (feature, root + left, root + right);
            }
        }
        packed.nodes.push(wide);
    }
    packed.trees.push(v1::WideTree { root, output: tree.output.map_or(ALL_OUTPUTS, u32::from) });
    packed.leaf_values.extend(&tree.leaves);
    for line in &tree.lines {
        packed.lines.push(v1::WideLine {
            constant: line.constant,
            first: number(packed.terms.len())?,
            count: number(line.terms.len())?,
        });
        let term = |&(feature, coefficient): &(u16, f64)| v1::WideTerm {
            coefficient,
            feature: u32::from(feature),
            reserved: 0,
        };
        packed.terms.extend(line.terms.iter().map(term));
    }
    number(packed.lines.len() + 1)?;
    Ok(())
}

fn number(count: usize) -> Result<u32, String> {
    u32::try_from(count).map_err(|_| format!("{count} of a kind; the file numbers them in 32 bits"))
}
