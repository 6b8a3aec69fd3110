//! Unpacks ragged trees to plain ones, for explanations only.

use super::{
    RaggedForest,
    pack::LINE_BLOCKS,
    shape::{Shape, Side},
};
use crate::forest::{
    WideForest,
    unpack::{Unpacked, unpack_tree},
};

/// A split of the block at a place, or the leaf at a place.
#[derive(Clone, Copy)]
struct At {
    place: usize,
    split: usize,
}

/// The content of one place of a tree.
struct Standing {
    /// The block's shape; `None` for a leaf.
    shape: Option<Shape>,
    /// Number of the block, or of the leaf.
    number: usize,
    /// The place that exit 0 leads to.
    first: usize,
}

impl RaggedForest {
    /// The forest with its trees breadth first; `None` if it would have more than `nodes_max` nodes.
    pub(crate) fn unpack(&self, nodes_max: usize) -> Option<WideForest> {
        let (mut trees, mut room) = (Vec::with_capacity(self.tree_count()), nodes_max);
        let (mut codes, mut block, mut leaf) = (self.trees().shapes.iter(), 0, 0);
        for _ in 0..self.tree_count() {
            let mut places: Vec<Standing> = Vec::new();
            let mut end = 1;
            while places.len() < end {
                let shape = Shape::parse(codes.next()?.to_native());
                let (number, exits) = match &shape {
                    Some(shape) => (&mut block, shape.exit_count()),
                    None => (&mut leaf, 0),
                };
                places.push(Standing { shape, number: *number, first: end });
                *number += 1;
                end += exits;
            }
            let tree = unpack_tree(At { place: 0, split: 0 }, room, |at| self.unpack_node(&places, at))?;
            room -= tree.nodes.len();
            trees.push(tree);
        }
        Some(self.as_wide(trees))
    }

    fn unpack_node(&self, places: &[Standing], at: At) -> Unpacked<At> {
        let standing = &places[at.place];
        let Some(shape) = &standing.shape else { return Unpacked::Leaf(self.leaf(standing.number)) };
        let line = &self.trees().lines[standing.number / LINE_BLOCKS];
        let first = 8 * (standing.number % LINE_BLOCKS);
        let asked = self.ranker().condition(line.slots[first + at.split], line.ranks[first + at.split]);
        let asked = asked.expect("`check` has seen that every split asks something");
        let mut sides = shape.splits[at.split].map(|side| match side {
            Side::Split(split) => At { split: usize::from(split), ..at },
            Side::Exit(exit) => At { place: standing.first + usize::from(exit), split: 0 },
        });
        if line.slots[first + 7] >> at.split & 1 == 1 {
            sides.reverse();
        }
        let ([left, right], feature) = (sides, asked.feature);
        Unpacked::Split { feature, threshold: asked.threshold, missing: asked.missing, left, right }
    }
}
