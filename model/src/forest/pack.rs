//! Packs the canonical form into narrow nodes.

use std::collections::{BTreeMap, VecDeque};

use super::{
    canonical::{CanonicalForest, CanonicalNode, CanonicalTree, Missing, SumKind},
    slots::{SLOT_BITS, SLOTS_MAX},
};
use crate::{combine::is_moderate, file::v1};

/// The largest distance from a node to its left child.
const OFFSET_MAX: u32 = (1 << (32 - SLOT_BITS)) - 1;

/// The slot number of each (feature, missing direction) in use, ordered by feature, then direction.
type SlotNumbers = BTreeMap<(u16, Missing), u32>;

/// Packs a checked forest. `fingerprint` is that of the model's feature list.
///
/// # Errors
/// The limit that the forest exceeds: more slots than a link can number, a tree too wide, more nodes than 2^32.
pub(crate) fn pack(forest: &CanonicalForest, fingerprint: u64) -> Result<v1::Forest, String> {
    let numbers = number_slots(forest);
    if numbers.len() + 1 > SLOTS_MAX {
        return Err(format!(
            "{} slots of feature and missing direction; {} are possible",
            numbers.len(),
            SLOTS_MAX - 1
        ));
    }
    let mut packed = v1::Forest {
        nodes: Vec::with_capacity(forest.node_count()),
        leaf_values: Vec::new(),
        roots: Vec::with_capacity(forest.trees.len()),
        slots: numbers
            .keys()
            .map(|&(feature, missing)| v1::Slot { feature, missing: missing.code(), reserved: 0 })
            .collect(),
        base: forest.base,
        features_fingerprint: fingerprint,
        sum: sum_code(forest.sum),
    };
    for tree in &forest.trees {
        let root = u32::try_from(packed.nodes.len()).map_err(|_| "more than 2^32 nodes".to_owned())?;
        packed.roots.push(root);
        pack_tree(tree, forest.sum, &numbers, &mut packed)?;
    }
    Ok(packed)
}

/// The code of the sum's number types in the file.
pub(crate) fn sum_code(sum: SumKind) -> u8 {
    match sum {
        SumKind::F32 => 0,
        SumKind::F64 => 1,
        SumKind::F64Leaves => 2,
    }
}

/// Checks the code of the sum's number types, and the base.
///
/// # Errors
/// The fault of either.
pub(crate) fn check_sum(code: u8, base: f64) -> Result<SumKind, String> {
    if !is_moderate(base) {
        return Err(format!("base {base:e}"));
    }
    let kinds = [SumKind::F32, SumKind::F64, SumKind::F64Leaves];
    kinds.into_iter().find(|&sum| sum_code(sum) == code).ok_or_else(|| format!("sum kind {code} is unknown"))
}

fn number_slots(forest: &CanonicalForest) -> SlotNumbers {
    let mut numbers = SlotNumbers::new();
    for node in forest.trees.iter().flat_map(|tree| &tree.nodes) {
        if let CanonicalNode::Split { feature, missing, .. } = *node {
            numbers.insert((feature, missing), 0);
        }
    }
    for (number, place) in (0..).zip(numbers.values_mut()) {
        *place = number;
    }
    numbers
}

/// Packs a tree breadth first, siblings side by side, so that one offset leads to both children.
fn pack_tree(
    tree: &CanonicalTree,
    sum: SumKind,
    numbers: &SlotNumbers,
    packed: &mut v1::Forest,
) -> Result<(), String> {
    let nan_slot = numbers.len() as u32;
    let mut queue = VecDeque::from([0_u32]);
    // Number of nodes placed or queued so far, which is the position of the next pair of children from the root.
    let mut reserved = 1_u32;
    let mut position = 0_u32;
    while let Some(node) = queue.pop_front() {
        let packed_node = match tree.nodes[node as usize] {
            CanonicalNode::Leaf(value) => v1::Node { value: leaf_bits(value, sum, packed)?, link: nan_slot },
            CanonicalNode::Split { feature, threshold, missing, left, right } => {
                let offset = reserved - position;
                if offset > OFFSET_MAX {
                    return Err(format!("a tree wider than {OFFSET_MAX} nodes"));
                }
                reserved += 2;
                queue.extend([left, right]);
                v1::Node {
                    value: threshold.to_bits(),
                    link: offset << SLOT_BITS | numbers[&(feature, missing)],
                }
            }
        };
        packed.nodes.push(packed_node);
        position += 1;
    }
    Ok(())
}

/// A leaf's 32 bits: its f32, or the position of its f64 among the leaf values.
fn leaf_bits(value: f64, sum: SumKind, packed: &mut v1::Forest) -> Result<u32, String> {
    if sum != SumKind::F64Leaves {
        return Ok((value as f32).to_bits());
    }
    let position = u32::try_from(packed.leaf_values.len()).map_err(|_| "more than 2^32 leaves".to_owned())?;
    packed.leaf_values.push(value);
    Ok(position)
}
