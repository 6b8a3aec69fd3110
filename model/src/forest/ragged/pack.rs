//! Packs trees as ragged ones.

use super::{
    cut::{Block, Cutter},
    plan::{STEPS_MAX, TREE_BLOCKS_MAX},
    shape::LEAF,
};
use crate::{
    file::v1,
    forest::{
        canonical::SumKind,
        pack::sum_code,
        ranks::{
            ALWAYS_LEFT, RankNumbers,
            source::{SourceForest, SourceNode, SourceTree},
        },
    },
};

/// Most blocks and leaves of a forest.
pub(super) const PLACES_MAX: usize = 1 << 24;
/// Number of blocks in a line.
pub(crate) const LINE_BLOCKS: usize = 4;

/// Packs a checked forest. `fingerprint` is that of the model's feature list.
///
/// # Errors
/// The limit that the forest exceeds: more thresholds or slots than a byte can number, or a tree of too many blocks.
pub(crate) fn pack(forest: &SourceForest, fingerprint: u64) -> Result<v1::Ragged, String> {
    let numbers = RankNumbers::of(forest)?;
    let mut packed = v1::Ragged {
        lines: Vec::new(),
        single_leaves: Vec::new(),
        double_leaves: Vec::new(),
        shapes: Vec::new(),
        ranks: numbers.to_archive(),
        base: forest.base,
        features_fingerprint: fingerprint,
        trees: u32::try_from(forest.trees.len()).map_err(|_| "more than 2^32 trees".to_owned())?,
        sum: sum_code(forest.sum),
    };
    let mut blocks = Vec::new();
    for (number, tree) in forest.trees.iter().enumerate() {
        let cutter = Cutter::new(tree);
        let (steps, before) = (cutter.steps(), blocks.len());
        pack_tree(tree, &cutter, forest.sum, &numbers, &mut blocks, &mut packed);
        let count = blocks.len() - before;
        if count > TREE_BLOCKS_MAX || steps > STEPS_MAX {
            return Err(format!(
                "tree {number} has {count} blocks, {steps} of them on one way; {TREE_BLOCKS_MAX} and {STEPS_MAX} are possible"
            ));
        }
        if packed.shapes.len() > PLACES_MAX {
            return Err(format!("more than {PLACES_MAX} blocks and leaves"));
        }
    }
    packed.lines = blocks.chunks(LINE_BLOCKS).map(to_line).collect();
    Ok(packed)
}

/// Appends a tree breadth first; the exits of a block are side by side.
fn pack_tree(
    tree: &SourceTree,
    cutter: &Cutter<'_>,
    sum: SumKind,
    numbers: &RankNumbers,
    blocks: &mut Vec<v1::Block>,
    packed: &mut v1::Ragged,
) {
    let (mut order, mut at) = (vec![0], 0);
    while let Some(&node) = order.get(at) {
        match tree.nodes[node as usize] {
            SourceNode::Leaf(value) => {
                packed.shapes.push(LEAF);
                match sum {
                    SumKind::F32 | SumKind::F64 => packed.single_leaves.push(value as f32),
                    SumKind::F64Leaves => packed.double_leaves.push(value),
                }
            }
            SourceNode::Split { .. } => {
                let block = cutter.block(node).expect("only a leaf has none");
                packed.shapes.push(block.shape);
                blocks.push(conditions(tree, &block, numbers));
                order.extend(block.exits);
            }
        }
        at += 1;
    }
}

fn conditions(tree: &SourceTree, block: &Block, numbers: &RankNumbers) -> v1::Block {
    let mut conditions = v1::Block { slots: [0; 8], ranks: [ALWAYS_LEFT; 8] };
    for (at, &split) in block.splits.iter().enumerate() {
        if let SourceNode::Split { feature, threshold, missing, .. } = tree.nodes[split as usize] {
            (conditions.slots[at], conditions.ranks[at]) = numbers.condition(feature, threshold, missing);
        }
    }
    conditions.slots[7] = block.turned;
    conditions
}

fn to_line(blocks: &[v1::Block]) -> v1::Line {
    let mut line = v1::Line { slots: [0; 32], ranks: [ALWAYS_LEFT; 32] };
    for (place, block) in blocks.iter().enumerate() {
        line.slots[8 * place..][..8].copy_from_slice(&block.slots);
        line.ranks[8 * place..][..8].copy_from_slice(&block.ranks);
    }
    line
}
