//! The archived types of format version 1. They are frozen: a change is a new section version beside these.
//!
//! rkyv writes them little-endian with 32-bit relative pointers (features of the workspace's `rkyv`). In each section
//! the largest array comes first, so that it is at the section's start, which is 64-byte aligned.

use rkyv::{Archive, Serialize};

/// The version of every section below.
pub(crate) const VERSION: u16 = 1;

/// `META`: name, features, event and provenance of the model, and how its members are combined.
#[derive(Archive, Serialize)]
pub(crate) struct Meta {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) variant: String,
    pub(crate) features: Vec<Feature>,
    /// Weight of each member, in the order of the member sections.
    pub(crate) weights: Vec<f64>,
    pub(crate) provenance: Vec<Pair>,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) calibration: Option<Calibration>,
    pub(crate) label_quantile: f64,
    pub(crate) tau_bp: f64,
    pub(crate) threshold: f64,
    pub(crate) horizon_s: u32,
}

/// A feature's name and the version of its formula.
#[derive(Archive, Serialize)]
pub(crate) struct Feature {
    pub(crate) name: String,
    pub(crate) version: u16,
}

/// One entry of the provenance: a key and its value.
#[derive(Archive, Serialize)]
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// One training metric: its name and value.
#[derive(Archive, Serialize)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) value: f64,
}

/// Platt's slope and intercept.
#[derive(Archive, Serialize)]
pub(crate) struct Calibration {
    pub(crate) a: f64,
    pub(crate) b: f64,
}

/// `FRST`: a forest of narrow nodes.
#[derive(Archive, Serialize)]
pub(crate) struct Forest {
    /// The trees one after another, each breadth first from its root.
    pub(crate) nodes: Vec<Node>,
    pub(crate) leaf_values: Vec<f64>,
    /// Positions of the roots among the nodes, in the order of the sum.
    pub(crate) roots: Vec<u32>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) base: f64,
    pub(crate) features_fingerprint: u64,
    pub(crate) sum: u8,
}

/// A split's threshold and link, or a leaf; eight bytes.
#[derive(Archive, Serialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub(crate) struct Node {
    /// The bits of a split's f32 threshold, of a leaf's f32 value, or a leaf's position among `leaf_values`.
    pub(crate) value: u32,
    /// Low 12 bits: the slot. High 20: the distance to the left child, 0 at a leaf; the right child follows it.
    pub(crate) link: u32,
}

/// A feature with a missing rule, as splits refer to it.
#[derive(Archive, Serialize)]
pub(crate) struct Slot {
    pub(crate) feature: u16,
    pub(crate) missing: u8,
    pub(crate) reserved: u8,
}

/// `LINR`: a linear member.
#[derive(Archive, Serialize)]
pub(crate) struct Linear {
    /// Term of each feature, in the order of the row.
    pub(crate) terms: Vec<Term>,
    pub(crate) intercept: f64,
    pub(crate) features_fingerprint: u64,
}

/// One feature's term in the linear sum.
#[derive(Archive, Serialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub(crate) struct Term {
    pub(crate) coefficient: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) imputed: f64,
    pub(crate) missing_coefficient: f64,
}

/// `TEST`: rows with the answers computed when the file was made.
#[derive(Archive, Serialize)]
pub(crate) struct SelfTest {
    /// Row-major, as wide as the features.
    pub(crate) rows: Vec<f32>,
    /// Calibrated log-odds of each row.
    pub(crate) log_odds: Vec<f64>,
}

/// `EXPL`: statistics of the training rows for one member.
#[derive(Archive, Serialize)]
pub(crate) struct Explain {
    /// Training data that reached each node, the trees in order, each breadth first; or empty.
    pub(crate) covers: Vec<f64>,
    /// Mean contribution of each term; or empty.
    pub(crate) mean_contributions: Vec<f64>,
    /// Number of the member, from 0, in the order of the member sections.
    pub(crate) member: u32,
}

/// `DRFT`: the distributions of features and answers in training.
#[derive(Archive, Serialize)]
pub(crate) struct Drift {
    /// Bins of each feature, in the order of the row.
    pub(crate) features: Vec<Bins>,
    /// Bins of the model's answers.
    pub(crate) answers: Bins,
    /// Number of training rows.
    pub(crate) rows: u64,
}

/// Counts of values between edges: a histogram.
#[derive(Archive, Serialize)]
pub(crate) struct Bins {
    /// Ascending: bin i holds values from edge i-1 (above all: none) to below edge i.
    pub(crate) edges: Vec<f64>,
    /// Counts between the edges, one more than there are edges.
    pub(crate) counts: Vec<u64>,
    /// Number of missing values.
    pub(crate) missing: u64,
}

/// `WIDE`: a forest of wide nodes.
#[derive(Archive, Serialize)]
pub(crate) struct Wide {
    /// The trees' nodes, one tree after another.
    pub(crate) nodes: Vec<WideNode>,
    pub(crate) leaf_values: Vec<f64>,
    /// The trees, in the order of the sum.
    pub(crate) trees: Vec<WideTree>,
    pub(crate) sets: Vec<WideSet>,
    /// The sets' members, one set after another, each ascending.
    pub(crate) members: Vec<f64>,
    pub(crate) lines: Vec<WideLine>,
    pub(crate) terms: Vec<WideTerm>,
    /// Start value of each output's sum.
    pub(crate) base: Vec<f64>,
    pub(crate) features_fingerprint: u64,
    pub(crate) values: u8,
    pub(crate) sum: u8,
}

/// A split, a test for membership in a set, or a leaf.
#[derive(Archive, Serialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub(crate) struct WideNode {
    /// The bits of a split's f64 threshold; the index of a membership test's set; the position of a leaf's first value.
    pub(crate) value: u64,
    /// Position of the left child; for a leaf the index of its line plus one, 0 for none.
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) feature: u16,
    pub(crate) kind: u8,
    pub(crate) missing: u8,
    pub(crate) reserved: u32,
}

/// A tree's root and the output that it adds to.
#[derive(Archive, Serialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub(crate) struct WideTree {
    pub(crate) root: u32,
    /// Number of the output; 2^32 - 1 for all outputs.
    pub(crate) output: u32,
}

/// A part of `members`, and the way to look a value up in it.
#[derive(Archive, Serialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub(crate) struct WideSet {
    pub(crate) first: u32,
    pub(crate) count: u32,
    pub(crate) rule: u32,
}

/// A leaf that is a line over some features.
#[derive(Archive, Serialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub(crate) struct WideLine {
    pub(crate) constant: f64,
    pub(crate) first: u32,
    pub(crate) count: u32,
}

/// A feature's term in a linear leaf.
#[derive(Archive, Serialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub(crate) struct WideTerm {
    pub(crate) coefficient: f64,
    pub(crate) feature: u32,
    pub(crate) reserved: u32,
}

/// `LINK`: the transformation of the sums to the answers.
#[derive(Archive, Serialize)]
pub(crate) struct Link {
    /// Bias of each output, added last.
    pub(crate) bias: Vec<f64>,
    /// The classes' labels; empty if there are none.
    pub(crate) classes: Vec<String>,
    pub(crate) divisor: f64,
    pub(crate) scale: f64,
    pub(crate) link_divisor: f64,
    pub(crate) slope: f64,
    pub(crate) precision: u8,
    pub(crate) kind: u8,
}

/// The thresholds that turn a row into ranks; a part of `BLKS`, `OBLV` and `RAGD`.
#[derive(Archive, Serialize)]
pub(crate) struct Ranks {
    /// The features' thresholds, one feature after another, each ascending.
    pub(crate) thresholds: Vec<f64>,
    pub(crate) features: Vec<RankFeature>,
    /// Slots, ordered by feature and then by missing direction.
    pub(crate) slots: Vec<Slot>,
    pub(crate) values: u8,
}

/// A feature that is ranked.
#[derive(Archive, Serialize)]
pub(crate) struct RankFeature {
    pub(crate) feature: u16,
    /// Number of its thresholds.
    pub(crate) thresholds: u16,
}

/// Four trees' conditions, eight for each tree.
#[derive(Archive, Serialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub(crate) struct Line {
    pub(crate) slots: [u8; 32],
    pub(crate) ranks: [u8; 32],
}

/// Seven conditions, which are three levels of a tree; the eighth is unused.
#[derive(Archive, Serialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub(crate) struct Block {
    pub(crate) slots: [u8; 8],
    pub(crate) ranks: [u8; 8],
}

/// `BLKS`: a forest of byte blocks.
#[derive(Archive, Serialize)]
pub(crate) struct Blocks {
    /// The trees' first blocks, four in each line.
    pub(crate) roots: Vec<Line>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) single_leaves: Vec<f32>,
    pub(crate) double_leaves: Vec<f64>,
    /// Position of each tree's next blocks or leaves; empty in the dense form.
    pub(crate) root_links: Vec<u32>,
    /// Position of each block's next blocks or leaves; empty in the dense form.
    pub(crate) links: Vec<u32>,
    /// Blocks on the way from root to leaf, for each line of roots; empty in the dense form.
    pub(crate) steps: Vec<u8>,
    pub(crate) ranks: Ranks,
    pub(crate) base: f64,
    pub(crate) features_fingerprint: u64,
    pub(crate) trees: u32,
    pub(crate) sum: u8,
}

/// `OBLV`: a forest of oblivious trees.
#[derive(Archive, Serialize)]
pub(crate) struct Oblivious {
    /// The trees' conditions, four trees in each line.
    pub(crate) lines: Vec<Line>,
    pub(crate) single_leaves: Vec<f32>,
    pub(crate) double_leaves: Vec<f64>,
    /// Position of each tree's first leaf.
    pub(crate) firsts: Vec<u32>,
    pub(crate) ranks: Ranks,
    pub(crate) base: f64,
    pub(crate) features_fingerprint: u64,
    pub(crate) trees: u32,
    pub(crate) sum: u8,
}

/// `RAGD`: a forest of ragged trees.
#[derive(Archive, Serialize)]
pub(crate) struct Ragged {
    /// The trees' blocks, four in each line.
    pub(crate) lines: Vec<Line>,
    /// Value of the leaf at each place; zero for a block.
    pub(crate) single_leaves: Vec<f32>,
    pub(crate) double_leaves: Vec<f64>,
    /// Shape of each place's block; 0 for a leaf.
    pub(crate) shapes: Vec<u16>,
    pub(crate) ranks: Ranks,
    pub(crate) base: f64,
    pub(crate) features_fingerprint: u64,
    pub(crate) trees: u32,
    pub(crate) sum: u8,
}

/// `SCAL`: a scale for each output, replacing the single one of `LINK`.
#[derive(Archive, Serialize)]
pub(crate) struct Scales {
    /// Factors of the outputs, one for each.
    pub(crate) scales: Vec<f64>,
}

/// `PREP`: the preparation of a row before its members read it.
#[derive(Archive, Serialize)]
pub(crate) struct Preparation {
    /// Preparation of each feature, in the order of the row.
    pub(crate) features: Vec<PreparedFeature>,
}

/// Preparation of one feature.
#[derive(Archive, Serialize)]
pub(crate) struct PreparedFeature {
    pub(crate) imputed: f64,
    pub(crate) center: f64,
    pub(crate) scale: f64,
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;
    use crate::file::v2::ArchivedSelfTest as ArchivedSelfTest2;

    /// Checks that FORMAT.md has a line with this start.
    fn documented(what: &str, at: Option<usize>, bytes: usize) {
        let at = at.map_or("-".to_owned(), |at| at.to_string());
        let line = format!("| {what} | {at} | {bytes} |");
        let format = include_str!("../../FORMAT.md");
        assert!(
            format.lines().any(|documented| documented.starts_with(&line)),
            "FORMAT.md has no line {line}"
        );
    }

    /// Size in bytes of the field that `_of` reads.
    fn bytes_of<T, F>(_of: fn(&T) -> &F) -> usize {
        size_of::<F>()
    }

    macro_rules! hold_to_the_table {
        ($($name:literal $archived:ident { $($field:ident)* })*) => {$(
            documented($name, None, size_of::<$archived>());
            $(
                let bytes = bytes_of(|archived: &$archived| &archived.$field);
                documented(concat!($name, ".", stringify!($field)), Some(offset_of!($archived, $field)), bytes);
            )*
        )*};
    }

    #[test]
    fn the_tables_in_format_md_are_those_of_the_compiled_types() {
        hold_to_the_table! {
            "Meta" ArchivedMeta {
                name version variant features weights provenance metrics calibration label_quantile tau_bp
                threshold horizon_s
            }
            "Feature" ArchivedFeature { name version }
            "Pair" ArchivedPair {}
            "Metric" ArchivedMetric {}
            "Calibration" ArchivedCalibration {}
            "Forest" ArchivedForest { nodes leaf_values roots slots base features_fingerprint sum }
            "Node" ArchivedNode { value link }
            "Slot" ArchivedSlot { feature missing reserved }
            "Linear" ArchivedLinear { terms intercept features_fingerprint }
            "Term" ArchivedTerm { coefficient low high imputed missing_coefficient }
            "SelfTest" ArchivedSelfTest { rows log_odds }
            "SelfTest2" ArchivedSelfTest2 { rows raw_scores answers }
            "Explain" ArchivedExplain { covers mean_contributions member }
            "Drift" ArchivedDrift { features answers rows }
            "Bins" ArchivedBins { edges counts missing }
            "Wide" ArchivedWide {
                nodes leaf_values trees sets members lines terms base features_fingerprint values sum
            }
            "WideNode" ArchivedWideNode { value left right feature kind missing reserved }
            "WideTree" ArchivedWideTree { root output }
            "WideSet" ArchivedWideSet { first count rule }
            "WideLine" ArchivedWideLine { constant first count }
            "WideTerm" ArchivedWideTerm { coefficient feature reserved }
            "Ranks" ArchivedRanks { thresholds features slots values }
            "RankFeature" ArchivedRankFeature { feature thresholds }
            "Line" ArchivedLine { slots ranks }
            "Block" ArchivedBlock { slots ranks }
            "Blocks" ArchivedBlocks {
                roots blocks single_leaves double_leaves root_links links steps ranks base features_fingerprint trees sum
            }
            "Oblivious" ArchivedOblivious {
                lines single_leaves double_leaves firsts ranks base features_fingerprint trees sum
            }
            "Ragged" ArchivedRagged {
                lines single_leaves double_leaves shapes ranks base features_fingerprint trees sum
            }
            "Link" ArchivedLink { bias classes divisor scale link_divisor slope precision kind }
            "Scales" ArchivedScales { scales }
            "Preparation" ArchivedPreparation { features }
            "PreparedFeature" ArchivedPreparedFeature { imputed center scale }
        }
    }
}
