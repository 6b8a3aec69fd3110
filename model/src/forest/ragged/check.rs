//! Checks a file's ragged trees, so that they can be walked without bounds checks.

use super::{
    Ragged, RaggedForest,
    pack::{LINE_BLOCKS, PLACES_MAX},
    plan::{GROUP_TREES, Plan, STEPS_MAX, Standing, TREE_BLOCKS_MAX, Tree},
    shape::{LEAF, SPLITS_MAX},
};
use crate::{
    file::{
        pages::Pages,
        v1::{ArchivedLine, ArchivedRagged},
    },
    forest::{
        blocks::check::{check_greatest_slot, check_leaves},
        canonical::{SumKind, TREES_MAX},
        pack::check_sum,
        ranked::Parts,
        ranks::{ALWAYS_LEFT, Ranker},
    },
};

impl RaggedForest {
    /// Checks an archived forest.
    ///
    /// # Errors
    /// The first rule of FORMAT.md's `RAGD` that it breaks.
    pub(crate) fn check(
        archived: &ArchivedRagged,
        pages: &Pages,
        feature_count: usize,
    ) -> Result<Self, String> {
        let base = archived.base.to_native();
        let sum = check_sum(archived.sum, base)?;
        let ranker = Ranker::check(&archived.ranks, feature_count)?;
        check_leaves(archived.single_leaves.iter().map(|leaf| f64::from(leaf.to_native())))?;
        check_leaves(archived.double_leaves.iter().map(|leaf| leaf.to_native()))?;
        let mut reader =
            Reader { archived, plan: Plan::new(turned(archived, ranker.slot_count())?), place: 0, block: 0 };
        let (tree_count, leaf_count) = reader.trees()?;
        let expected = match sum {
            SumKind::F32 | SumKind::F64 => (leaf_count, 0),
            SumKind::F64Leaves => (0, leaf_count),
        };
        let leaves = (archived.single_leaves.len(), archived.double_leaves.len());
        if leaves != expected {
            return Err(format!("{leaves:?} leaves; its trees have {expected:?}"));
        }
        let parts = Parts {
            trees: Ragged {
                lines: pages.keep(&archived.lines),
                shapes: pages.keep(&archived.shapes),
                plan: reader.plan,
            },
            single_leaves: pages.keep(&archived.single_leaves),
            double_leaves: pages.keep(&archived.double_leaves),
            ranker,
            base,
            sum,
            tree_count,
            // A tree has one leaf more than splits.
            node_count: 2 * leaf_count - tree_count,
        };
        #[allow(unsafe_code)]
        // SAFETY: the checks above are all the rules that a walk of these parts relies on.
        Ok(unsafe { Self::new(parts) })
    }
}

/// Checks that every slot exists and that the last of eight conditions is unused. Returns the mirrored splits of each
/// line.
fn turned(archived: &ArchivedRagged, slot_count: usize) -> Result<Vec<u32>, String> {
    let eights = archived.lines.iter().flat_map(|line| line.slots.as_chunks::<8>().0);
    let greatest =
        eights.flat_map(|eight| &eight[..SPLITS_MAX]).fold(0, |greatest, &slot| u8::max(greatest, slot));
    check_greatest_slot(greatest, slot_count)?;
    let of_line = |(number, line): (usize, &ArchivedLine)| {
        let (slots, ranks) = (line.slots.as_chunks::<8>().0, line.ranks.as_chunks::<8>().0);
        if slots.iter().any(|slots| slots[7] >= 1 << SPLITS_MAX)
            || ranks.iter().any(|ranks| ranks[7] != ALWAYS_LEFT)
        {
            return Err(format!("line {number}: an eighth condition"));
        }
        Ok(u32::from_le_bytes(std::array::from_fn(|block| slots[block][7] | 1 << SPLITS_MAX)))
    };
    archived.lines.iter().enumerate().map(of_line).collect()
}

/// Reads a file's shapes in order.
struct Reader<'a> {
    archived: &'a ArchivedRagged,
    plan: Plan,
    place: usize,
    block: usize,
}

impl Reader<'_> {
    /// Plans the walk of all trees. Returns the numbers of trees and leaves.
    fn trees(&mut self) -> Result<(usize, usize), String> {
        let count = self.archived.trees.to_native() as usize;
        let places = self.archived.shapes.len();
        if count == 0 || count > TREES_MAX || places > PLACES_MAX {
            return Err(format!(
                "{count} trees of {places} places; 1 to {TREES_MAX}, and {PLACES_MAX}, are possible"
            ));
        }
        let mut group = Vec::with_capacity(GROUP_TREES);
        for number in 0..count {
            group.push(self.tree().map_err(|what| format!("tree {number}: {what}"))?);
            if group.len() == GROUP_TREES || number + 1 == count {
                self.plan.push(&group);
                group.clear();
            }
        }
        let (lines, lines_found) = (self.block.div_ceil(LINE_BLOCKS), self.archived.lines.len());
        if (self.place, lines) != (places, lines_found) {
            return Err(format!("{} places and {lines} lines of {places} and {lines_found}", self.place));
        }
        Ok((count, places - self.block))
    }

    /// Reads one tree, from its root to the first place that no exit leads to.
    fn tree(&mut self) -> Result<Tree, String> {
        let mut tree = Tree { places: Vec::new(), blocks: 0, steps: 0 };
        // Number of blocks on the path to each place.
        let mut steps = vec![0];
        while let Some(&step) = steps.get(tree.places.len()) {
            let code = self.archived.shapes.get(self.place).ok_or("it has no end")?.to_native();
            self.place += 1;
            tree.steps = tree.steps.max(step);
            if code == LEAF {
                tree.places.push(Standing::Leaf(tree.places.len() - tree.blocks));
                continue;
            }
            let (block, first) = (tree.blocks, steps.len());
            if block == TREE_BLOCKS_MAX || step == STEPS_MAX {
                return Err(format!("more than {TREE_BLOCKS_MAX} blocks, or {STEPS_MAX} on one way"));
            }
            let (shape, exits) = self.plan.shape(code)?;
            self.check_conditions(exits - 1)?;
            steps.resize(first + exits, step + 1);
            tree.places.push(Standing::Block { block, shape, exits, first });
            tree.blocks += 1;
            self.block += 1;
        }
        Ok(tree)
    }

    /// Checks that every split of the next block has a condition.
    fn check_conditions(&self, splits: usize) -> Result<(), String> {
        let line = self.archived.lines.get(self.block / LINE_BLOCKS).ok_or("its conditions are not there")?;
        let ranks = &line.ranks.as_chunks::<8>().0[self.block % LINE_BLOCKS];
        match ranks[..splits].iter().position(|&rank| rank == ALWAYS_LEFT) {
            None => Ok(()),
            Some(split) => Err(format!("split {split} of block {} asks nothing", self.block)),
        }
    }
}
