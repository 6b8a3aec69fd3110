//! Unpacks oblivious trees to plain ones, for explanations only.

use super::{ObliviousForest, pack::LINE_TREES};
use crate::forest::{
    WideForest,
    ranks::Condition,
    unpack::{Unpacked, unpack_tree},
};

/// The level of the next condition, and the bits of the leaf's number so far.
#[derive(Clone, Copy)]
struct Place {
    level: usize,
    leaf: usize,
}

impl ObliviousForest {
    /// The forest with its trees breadth first; `None` if it would have more than `nodes_max` nodes.
    pub(crate) fn unpack(&self, nodes_max: usize) -> Option<WideForest> {
        let (mut trees, mut room) = (Vec::with_capacity(self.tree_count()), nodes_max);
        for tree in 0..self.tree_count() {
            let levels = self.levels(tree);
            let first = self.trees().firsts[tree].to_native() as usize;
            let at = |place: Place| match levels.get(place.level) {
                None => Unpacked::Leaf(self.leaf(first + place.leaf)),
                Some(&(bit, Condition { feature, threshold, missing })) => {
                    let below = |leaf| Place { level: place.level + 1, leaf };
                    let (left, right) = (below(place.leaf), below(place.leaf | bit));
                    Unpacked::Split { feature, threshold, missing, left, right }
                }
            };
            let tree = unpack_tree(Place { level: 0, leaf: 0 }, room, at)?;
            room -= tree.nodes.len();
            trees.push(tree);
        }
        Some(self.as_wide(trees))
    }

    /// A tree's conditions from the top, each with the number of the bit that it sets in the leaf's number.
    fn levels(&self, tree: usize) -> Vec<(usize, Condition)> {
        let (line, first) = (&self.trees().lines[tree / LINE_TREES], tree % LINE_TREES * 8);
        let asked = |level| {
            let condition = self.ranker().condition(line.slots[first + level], line.ranks[first + level]);
            condition.map(|condition| (1_usize << level, condition))
        };
        (0..8).filter_map(asked).collect()
    }
}
