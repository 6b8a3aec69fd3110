//! Unpacks narrow nodes to trees, for explanations only.

use super::NarrowForest;
use crate::forest::{
    MissingRule, Precision, SumKind, WideForest,
    slots::{SLOT_BITS, SLOTS_MAX},
    unpack::{Unpacked, unpack_tree},
};

impl NarrowForest {
    /// The forest with its trees breadth first; `None` if it would have more than `nodes_max` nodes.
    pub(crate) fn unpack(&self, nodes_max: usize) -> Option<WideForest> {
        let (mut trees, mut room) = (Vec::with_capacity(self.tree_count), nodes_max);
        for root in self.roots.iter() {
            let tree = unpack_tree(root.to_native(), room, |at| self.unpack_node(at))?;
            room -= tree.nodes.len();
            trees.push(tree);
        }
        let (values, sum) = (Precision::Single, self.sum.precision());
        Some(WideForest { trees, sets: Vec::new(), base: vec![self.base], values, sum })
    }

    fn unpack_node(&self, at: u32) -> Unpacked<u32> {
        let (link, bits) =
            (self.nodes[at as usize].link.to_native(), self.nodes[at as usize].value.to_native());
        let offset = link >> SLOT_BITS;
        if offset == 0 {
            return Unpacked::Leaf(match self.sum {
                SumKind::F64Leaves => self.leaf_values[bits as usize].to_native(),
                SumKind::F32 | SumKind::F64 => f64::from(f32::from_bits(bits)),
            });
        }
        let slot = self.slots[link as usize & (SLOTS_MAX - 1)];
        let missing = match slot.stand_in {
            f32::NEG_INFINITY => MissingRule::Left,
            f32::INFINITY => MissingRule::Right,
            _ => MissingRule::Zero,
        };
        let threshold = f64::from(f32::from_bits(bits));
        Unpacked::Split {
            feature: slot.feature,
            threshold,
            missing,
            left: at + offset,
            right: at + offset + 1,
        }
    }
}
