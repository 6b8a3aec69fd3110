//! Checks a file's oblivious trees, so that they can be walked without bounds checks.

use super::{Oblivious, ObliviousForest};
use crate::{
    file::{pages::Pages, v1::ArchivedOblivious},
    forest::{
        blocks::check::{check_leaves, check_line_slots, check_tree_count},
        canonical::SumKind,
        pack::check_sum,
        ranked::Parts,
        ranks::{ALWAYS_LEFT, Ranker},
    },
};

impl ObliviousForest {
    /// Checks an archived forest.
    ///
    /// # Errors
    /// The first rule of FORMAT.md's `OBLV` that it breaks.
    pub(crate) fn check(
        archived: &ArchivedOblivious,
        pages: &Pages,
        feature_count: usize,
    ) -> Result<Self, String> {
        let base = archived.base.to_native();
        let sum = check_sum(archived.sum, base)?;
        let ranker = Ranker::check(&archived.ranks, feature_count)?;
        let tree_count = check_tree_count(archived.trees, archived.lines.len())?;
        check_line_slots(&archived.lines, ranker.slot_count())?;
        check_leaves(archived.single_leaves.iter().map(|leaf| f64::from(leaf.to_native())))?;
        check_leaves(archived.double_leaves.iter().map(|leaf| leaf.to_native()))?;
        let leaf_count = match sum {
            SumKind::F32 | SumKind::F64 => archived.single_leaves.len(),
            SumKind::F64Leaves => archived.double_leaves.len(),
        };
        let parts = Parts {
            trees: Oblivious { lines: pages.keep(&archived.lines), firsts: pages.keep(&archived.firsts) },
            single_leaves: pages.keep(&archived.single_leaves),
            double_leaves: pages.keep(&archived.double_leaves),
            ranker,
            base,
            sum,
            tree_count,
            node_count: check_trees(archived, tree_count, leaf_count)?,
        };
        #[allow(unsafe_code)]
        // SAFETY: the checks above are all the rules that a walk of these parts relies on.
        Ok(unsafe { Self::new(parts) })
    }
}

/// Checks that every number that a tree's conditions can give is one of the leaves. Returns the number of nodes.
fn check_trees(archived: &ArchivedOblivious, tree_count: usize, leaf_count: usize) -> Result<usize, String> {
    if archived.firsts.len() != tree_count {
        return Err(format!("{} places of leaves for {tree_count} trees", archived.firsts.len()));
    }
    let conditions = archived.lines.iter().flat_map(|line| line.ranks.as_chunks::<8>().0);
    let mut node_count = 0;
    for (number, (first, ranks)) in archived.firsts.iter().zip(conditions).enumerate() {
        let asked = |(level, &rank): (usize, &u8)| usize::from(rank != ALWAYS_LEFT) << level;
        let greatest: usize = ranks.iter().enumerate().map(asked).sum();
        if first.to_native() as usize + greatest >= leaf_count {
            return Err(format!("tree {number}: leaf {greatest} from {first} of {leaf_count}"));
        }
        node_count += (2 << greatest.count_ones()) - 1;
    }
    Ok(node_count)
}
