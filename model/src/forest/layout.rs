//! In which form a forest is kept in the file and walked.

use std::{fmt, str::FromStr};

use super::{
    blocks,
    canonical::{CanonicalForest, CanonicalNode},
    cost, oblivious, pack,
    wide::{MissingRule, Precision, WideForest, WideNode, WideTree},
};
use crate::{
    file::{v1, write::NewSection},
    forest::canonical::{CanonicalTree, Missing, SumKind},
};

/// In which form a forest is kept in the file and walked. The answer's bits are the same in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// The one of the others that costs least for this forest, by a model of what the walks were measured to cost.
    #[default]
    Auto,
    /// Nodes of eight bytes, twenty trees at once: any forest that compares f32 values.
    Narrow,
    /// Blocks of seven conditions in bytes, for at most 255 thresholds a feature and 128 slots of feature and missing
    /// direction.
    ByteBlock,
    /// One question a level, for trees of at most eight levels, and the limits of [`Layout::ByteBlock`].
    Oblivious,
    /// Nodes of 24 bytes, a tree at a time: any forest of an imported model.
    Wide,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Narrow, Self::ByteBlock, Self::Oblivious, Self::Wide];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Narrow => "narrow",
            Self::ByteBlock => "byte-block",
            Self::Oblivious => "oblivious",
            Self::Wide => "wide",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|layout| layout.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            format!("layout '{name}' is none of {}", names.join(", "))
        })
    }
}

/// A forest's section in a layout; [`Layout::Wide`] is not a forest's but a whole member's.
///
/// # Errors
/// Why the forest does not fit the layout.
pub(crate) fn section(
    forest: &CanonicalForest,
    layout: Layout,
    fingerprint: u64,
) -> Result<NewSection, String> {
    let section = |tag, bytes| NewSection { tag, version: v1::VERSION, required: true, bytes };
    match layout {
        Layout::Auto => self::section(forest, cost::cheapest(forest), fingerprint),
        Layout::Narrow => {
            pack::pack(forest, fingerprint).map(|packed| section(*b"FRST", crate::draft::archive(&packed)))
        }
        Layout::ByteBlock => blocks::pack::pack(forest, fingerprint)
            .map(|packed| section(*b"BLKS", crate::draft::archive(&packed))),
        Layout::Oblivious => oblivious::pack::pack(forest, fingerprint)
            .map(|packed| section(*b"OBLV", crate::draft::archive(&packed))),
        Layout::Wide => Err("only an imported model's forest can be kept in wide nodes".to_owned()),
    }
}

impl CanonicalForest {
    /// The same forest in the wide form.
    pub(crate) fn widened(&self) -> WideForest {
        let sum = match self.sum {
            SumKind::F32 => Precision::Single,
            SumKind::F64 | SumKind::F64Leaves => Precision::Double,
        };
        WideForest {
            trees: self.trees.iter().map(widened_tree).collect(),
            sets: Vec::new(),
            base: vec![self.base],
            values: Precision::Single,
            sum,
        }
    }
}

fn widened_tree(tree: &CanonicalTree) -> WideTree {
    let mut leaves = Vec::new();
    let node = |node: &CanonicalNode| match *node {
        CanonicalNode::Leaf(value) => {
            leaves.push(value);
            WideNode::Leaf(leaves.len() as u32 - 1)
        }
        CanonicalNode::Split { feature, threshold, missing, left, right } => {
            let missing = match missing {
                Missing::Left => MissingRule::Left,
                Missing::Right => MissingRule::Right,
                Missing::Zero => MissingRule::Zero,
            };
            WideNode::Split { feature, threshold: f64::from(threshold), missing, left, right }
        }
    };
    let nodes = tree.nodes.iter().map(node).collect();
    WideTree { nodes, output: Some(0), leaves, lines: Vec::new(), cover: tree.cover.clone() }
}
