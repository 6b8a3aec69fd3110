//! Unpacks byte blocks to trees, for explanations only.

use super::{
    BlockForest,
    pack::{DENSE_BLOCKS, LINE_TREES},
};
use crate::forest::{
    WideForest,
    unpack::{Unpacked, unpack_tree},
};

/// A position in a block: 1 is the top, 2p and 2p + 1 are under p, 8 to 15 are the exits.
#[derive(Clone, Copy)]
struct Place {
    tree: usize,
    /// Number of blocks above it; 0 in the tree's root.
    step: u8,
    /// Position of the block among the blocks; unused in the root.
    block: usize,
    condition: usize,
}

impl BlockForest {
    /// The forest with its trees breadth first; `None` if it would have more than `nodes_max` nodes.
    pub(crate) fn unpack(&self, nodes_max: usize) -> Option<WideForest> {
        let (mut trees, mut room) = (Vec::with_capacity(self.tree_count()), nodes_max);
        for tree in 0..self.tree_count() {
            let root = Place { tree, step: 0, block: 0, condition: 1 };
            let tree = unpack_tree(root, room, |place| self.unpack_node(place))?;
            room -= tree.nodes.len();
            trees.push(tree);
        }
        Some(self.as_wide(trees))
    }

    /// The first split or leaf at or below a position.
    fn unpack_node(&self, mut place: Place) -> Unpacked<Place> {
        loop {
            if place.condition >= 8 {
                match self.exit(place) {
                    Ok(next) => place = next,
                    Err(leaf) => return Unpacked::Leaf(self.leaf(leaf)),
                }
                continue;
            }
            let at = place.condition - 1;
            let (slot, rank) = match place.step {
                0 => {
                    let line = &self.trees().roots[place.tree / LINE_TREES];
                    let at = place.tree % LINE_TREES * 8 + at;
                    (line.slots[at], line.ranks[at])
                }
                _ => (self.trees().blocks[place.block].slots[at], self.trees().blocks[place.block].ranks[at]),
            };
            let below = |condition: usize| Place { condition, ..place };
            let (left, right) = (below(2 * place.condition), below(2 * place.condition + 1));
            match self.ranker().condition(slot, rank) {
                None => place = left,
                Some(asked) => {
                    let (feature, threshold, missing) = (asked.feature, asked.threshold, asked.missing);
                    return Unpacked::Split { feature, threshold, missing, left, right };
                }
            }
        }
    }

    /// The position at the start of the block that an exit leads to; `Err` with the leaf's position if it leads to a
    /// leaf.
    fn exit(&self, place: Place) -> Result<Place, usize> {
        let exit = place.condition - 8;
        let (first, steps) = match self.trees().steps.get(place.tree / LINE_TREES) {
            // The dense form: a root and one block below it.
            None if place.step == 0 => (place.tree * DENSE_BLOCKS, 2),
            None => (place.block * 8, 2),
            Some(&steps) if place.step == 0 => {
                (self.trees().root_links[place.tree].to_native() as usize, steps)
            }
            Some(&steps) => (self.trees().links[place.block].to_native() as usize, steps),
        };
        if place.step + 1 == steps {
            return Err(first + exit);
        }
        Ok(Place { tree: place.tree, step: place.step + 1, block: first + exit, condition: 1 })
    }
}
