//! Checks a file's byte blocks, so that they can be walked without bounds checks.

use rkyv::rend::u32_le;

use super::{
    BlockForest, Blocks,
    pack::{DENSE_BLOCKS, DENSE_LEAVES, LINE_TREES, width},
};
use crate::{
    combine::is_moderate,
    file::{
        pages::Pages,
        v1::{ArchivedBlocks, ArchivedLine},
    },
    forest::{
        canonical::{SumKind, TREES_MAX},
        pack::check_sum,
        ranked::Parts,
        ranks::{ALWAYS_LEFT, Ranker},
    },
};

impl BlockForest {
    /// Checks an archived forest.
    ///
    /// # Errors
    /// The first rule of FORMAT.md's `BLKS` that it breaks.
    pub(crate) fn check(
        archived: &ArchivedBlocks,
        pages: &Pages,
        feature_count: usize,
    ) -> Result<Self, String> {
        let base = archived.base.to_native();
        let sum = check_sum(archived.sum, base)?;
        let ranker = Ranker::check(&archived.ranks, feature_count)?;
        let tree_count = check_tree_count(archived.trees, archived.roots.len())?;
        check_conditions(archived, ranker.slot_count())?;
        let leaf_count = match sum {
            SumKind::F32 | SumKind::F64 => archived.single_leaves.len(),
            SumKind::F64Leaves => archived.double_leaves.len(),
        };
        if leaf_count != archived.single_leaves.len() + archived.double_leaves.len() {
            return Err("it has leaves of two types".to_owned());
        }
        let singles = archived.single_leaves.iter().map(|leaf| f64::from(leaf.to_native()));
        let doubles = archived.double_leaves.iter().map(|leaf| leaf.to_native());
        check_leaves(singles)?;
        check_leaves(doubles)?;
        if archived.steps.is_empty() {
            check_dense(archived, leaf_count)?;
        } else {
            check_links(archived, leaf_count)?;
        }
        let parts = Parts {
            trees: Blocks {
                roots: pages.keep(&archived.roots),
                blocks: pages.keep(&archived.blocks),
                root_links: pages.keep(&archived.root_links),
                links: pages.keep(&archived.links),
                steps: pages.keep(&archived.steps),
            },
            single_leaves: pages.keep(&archived.single_leaves),
            double_leaves: pages.keep(&archived.double_leaves),
            ranker,
            base,
            sum,
            tree_count,
            node_count: count_nodes(archived, tree_count),
        };
        #[allow(unsafe_code)]
        // SAFETY: the checks above are all the rules that a walk of these parts relies on.
        Ok(unsafe { Self::new(parts) })
    }
}

/// Checks the number of trees, and that there are as many lines as they need. Returns the number of trees.
pub(crate) fn check_tree_count(trees: u32_le, lines: usize) -> Result<usize, String> {
    let trees = trees.to_native() as usize;
    if trees == 0 || trees > TREES_MAX {
        return Err(format!("{trees} trees; 1 to {TREES_MAX} are possible"));
    }
    if trees.div_ceil(LINE_TREES) != lines {
        return Err(format!("{lines} lines of {LINE_TREES} trees for {trees} trees"));
    }
    Ok(trees)
}

/// Checks that no leaf is larger than a sum can hold.
pub(crate) fn check_leaves(leaves: impl Iterator<Item = f64> + Clone) -> Result<(), String> {
    // First one vectorised pass without an early exit; then the search for the faulty leaf.
    if leaves.clone().fold(true, |all, leaf| all & is_moderate(leaf)) {
        return Ok(());
    }
    let culprit = leaves.enumerate().find(|(_, leaf)| !is_moderate(*leaf));
    Err(culprit.map_or_else(String::new, |(at, leaf)| format!("leaf {at} is {leaf:e}")))
}

/// Checks that every slot exists (0 in unused conditions).
pub(crate) fn check_line_slots(lines: &[ArchivedLine], slot_count: usize) -> Result<(), String> {
    let greatest = lines.iter().flat_map(|line| line.slots).fold(0, u8::max);
    check_greatest_slot(greatest, slot_count)
}

/// Checks that the greatest slot exists.
pub(crate) fn check_greatest_slot(greatest: u8, slot_count: usize) -> Result<(), String> {
    if usize::from(greatest) < slot_count.max(1) {
        return Ok(());
    }
    Err(format!("a condition reads slot {greatest} of {slot_count}"))
}

fn check_conditions(archived: &ArchivedBlocks, slot_count: usize) -> Result<(), String> {
    check_line_slots(&archived.roots, slot_count)?;
    let greatest = archived.blocks.iter().flat_map(|block| block.slots).fold(0, u8::max);
    check_greatest_slot(greatest, slot_count)
}

fn check_dense(archived: &ArchivedBlocks, leaf_count: usize) -> Result<(), String> {
    let places = archived.roots.len() * LINE_TREES;
    if (archived.blocks.len(), leaf_count) != (places * DENSE_BLOCKS, places * DENSE_LEAVES) {
        return Err(format!(
            "{} blocks and {leaf_count} leaves for {places} dense trees",
            archived.blocks.len()
        ));
    }
    if !archived.links.is_empty() || !archived.root_links.is_empty() {
        return Err("links of dense trees".to_owned());
    }
    Ok(())
}

/// Checks the links. Blocks and leaves must be in the order in which a walk level by level meets them, tree after tree,
/// so every link has one right value and no exit can lead outside.
fn check_links(archived: &ArchivedBlocks, leaf_count: usize) -> Result<(), String> {
    let counts = (archived.steps.len(), archived.root_links.len(), archived.links.len());
    let trees = archived.roots.len() * LINE_TREES;
    if counts != (archived.roots.len(), trees, archived.blocks.len()) {
        return Err(format!("{counts:?} steps, root links and links"));
    }
    let (mut block, mut leaf) = (0, 0);
    for (tree, link) in archived.root_links.iter().enumerate() {
        let steps = archived.steps[tree / LINE_TREES];
        if steps == 0 {
            return Err(format!("tree {tree}: no steps"));
        }
        let root = archived.roots[tree / LINE_TREES].ranks.as_chunks::<8>().0[tree % LINE_TREES];
        let mut places = width(&root);
        let mut expected = if steps == 1 { leaf } else { block };
        if link.to_native() as usize != expected {
            return Err(format!("tree {tree}: link {link} where {expected} comes next"));
        }
        for step in 1..steps {
            let level = block..block.saturating_add(places);
            let blocks = archived.blocks.get(level.clone());
            let blocks = blocks.ok_or_else(|| format!("tree {tree}: step {step} has no blocks"))?;
            (block, places) = (level.end, 0);
            expected = if step + 1 == steps { leaf } else { level.end };
            for (link, at) in archived.links[level.clone()].iter().zip(blocks) {
                if link.to_native() as usize != expected + places {
                    return Err(format!(
                        "tree {tree}, step {step}: link {link} where {} comes next",
                        expected + places
                    ));
                }
                places += width(&at.ranks);
            }
        }
        leaf += places;
    }
    if (block, leaf) != (archived.blocks.len(), leaf_count) {
        return Err(format!(
            "{block} blocks and {leaf} leaves of {} and {leaf_count}",
            archived.blocks.len()
        ));
    }
    Ok(())
}

/// Number of nodes: every used condition is a split, and a tree has one leaf more than splits.
fn count_nodes(archived: &ArchivedBlocks, tree_count: usize) -> usize {
    let asks = |ranks: &[u8]| ranks.iter().filter(|&&rank| rank != ALWAYS_LEFT).count();
    let roots = archived.roots.iter().flat_map(|line| line.ranks.as_chunks::<8>().0).take(tree_count);
    let mut splits: usize = roots.map(|ranks| asks(ranks)).sum();
    // The blocks of the copies that fill the last line are at the end.
    let copies = archived.roots.len() * LINE_TREES - tree_count;
    let counted = match copies {
        0 => archived.blocks.len(),
        _ if archived.steps.is_empty() => tree_count * DENSE_BLOCKS,
        _ => match archived.steps.last() {
            Some(1) => archived.blocks.len(),
            _ => archived.root_links[tree_count].to_native() as usize,
        },
    };
    splits += archived.blocks[..counted].iter().map(|block| asks(&block.ranks)).sum::<usize>();
    2 * splits + tree_count
}
