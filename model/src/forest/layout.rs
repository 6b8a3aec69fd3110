//! The layouts in which a forest can be stored and walked.

use std::{fmt, str::FromStr};

use super::{
    blocks,
    canonical::{CanonicalForest, CanonicalNode, CanonicalTree, Missing},
    cost, oblivious, pack, ragged,
    ranks::source::SourceForest,
    wide::{self, MissingRule, Precision, WideForest, WideNode, WideTree},
};
use crate::file::{
    v1,
    write::{self, Archivable, NewSection},
};

/// The form in which a file stores a forest and rows walk it. The score's bits are the same in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// The cheapest of the others for this forest, by the measured costs of their walks.
    #[default]
    Auto,
    /// Nodes of eight bytes, walked twenty trees at once: any forest that compares f32 values.
    Narrow,
    /// Blocks of seven conditions in bytes, for at most 255 thresholds for each feature and 128 slots (pairs of feature
    /// and missing direction).
    ByteBlock,
    /// One condition for each level, for trees of at most eight levels, within the limits of [`Layout::ByteBlock`].
    Oblivious,
    /// Blocks of seven conditions in bytes in any shape, all of which are compared: for trees grown leaf by leaf,
    /// within the limits of [`Layout::ByteBlock`].
    Ragged,
    /// Nodes of 24 bytes, walked one tree at a time: any forest of an imported model.
    Wide,
}

impl Layout {
    /// Every layout, [`Layout::Auto`] first.
    pub const ALL: [Self; 6] =
        [Self::Auto, Self::Narrow, Self::ByteBlock, Self::Oblivious, Self::Ragged, Self::Wide];

    /// The layout's name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Narrow => "narrow",
            Self::ByteBlock => "byte-block",
            Self::Oblivious => "oblivious",
            Self::Ragged => "ragged",
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

/// Encodes a canonical forest's section in a layout.
///
/// # Errors
/// The limit of the layout that the forest exceeds.
pub(crate) fn section(
    forest: &CanonicalForest,
    layout: Layout,
    fingerprint: u64,
) -> Result<NewSection, String> {
    match layout {
        Layout::Narrow => Ok(new_section(*b"FRST", &pack::pack(forest, fingerprint)?)),
        Layout::Wide => Err("only an imported model's forest can be kept in wide nodes".to_owned()),
        Layout::ByteBlock | Layout::Oblivious | Layout::Ragged => {
            bytes_section(&forest.into(), layout, fingerprint)
        }
        Layout::Auto => {
            let source = SourceForest::from(forest);
            match cost::cheapest(&source, Layout::Narrow) {
                Layout::Narrow => section(forest, Layout::Narrow, fingerprint),
                layout => bytes_section(&source, layout, fingerprint)
                    .or_else(|_| section(forest, Layout::Narrow, fingerprint)),
            }
        }
    }
}

/// Encodes a wide forest's section in a layout.
///
/// # Errors
/// As [`section`].
pub(crate) fn wide_section(
    forest: &WideForest,
    layout: Layout,
    fingerprint: u64,
) -> Result<NewSection, String> {
    let source = SourceForest::of_wide(forest);
    match layout {
        Layout::Wide => Ok(new_section(*b"WIDE", &wide::pack::pack(forest, fingerprint)?)),
        Layout::Narrow => Err("it needs wide nodes".to_owned()),
        Layout::ByteBlock | Layout::Oblivious | Layout::Ragged => {
            let source = source.ok_or_else(|| "it needs wide nodes".to_owned())?;
            bytes_section(&source, layout, fingerprint)
        }
        Layout::Auto => {
            let chosen = source.as_ref().map_or(Layout::Wide, |source| cost::cheapest(source, Layout::Wide));
            let in_bytes = source.and_then(|source| bytes_section(&source, chosen, fingerprint).ok());
            in_bytes.map_or_else(|| wide_section(forest, Layout::Wide, fingerprint), Ok)
        }
    }
}

/// Encodes byte blocks, oblivious or ragged trees.
fn bytes_section(forest: &SourceForest, layout: Layout, fingerprint: u64) -> Result<NewSection, String> {
    match layout {
        Layout::ByteBlock => Ok(new_section(*b"BLKS", &blocks::pack::pack(forest, fingerprint)?)),
        Layout::Oblivious => Ok(new_section(*b"OBLV", &oblivious::pack::pack(forest, fingerprint)?)),
        Layout::Ragged => Ok(new_section(*b"RAGD", &ragged::pack::pack(forest, fingerprint)?)),
        Layout::Auto | Layout::Narrow | Layout::Wide => Err(format!("layout {layout} has no bytes")),
    }
}

fn new_section(tag: [u8; 4], packed: &impl Archivable) -> NewSection {
    NewSection { tag, version: v1::VERSION, required: true, bytes: write::archive(packed) }
}

impl CanonicalForest {
    /// The same forest in the wide form, with equal scores.
    pub(crate) fn widened(&self) -> WideForest {
        WideForest {
            trees: self.trees.iter().map(widened_tree).collect(),
            sets: Vec::new(),
            base: vec![self.base],
            values: Precision::Single,
            sum: self.sum.precision(),
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
