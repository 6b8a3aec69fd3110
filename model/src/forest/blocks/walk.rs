//! Walks four trees at once, three levels a step.

#![allow(unsafe_code)]

use rkyv::rend::u32_le;

use super::pack::{DENSE_BLOCKS, DENSE_LEAVES, LINE_TREES};
use crate::{
    file::v1::{ArchivedBlock, ArchivedLine},
    forest::{ranked::get, ranks::compare::Compare, sum::LeafSum},
};

/// The parts of a forest that a walk reads.
pub(super) struct Parts<'a, L> {
    pub(super) roots: &'a [ArchivedLine],
    pub(super) blocks: &'a [ArchivedBlock],
    pub(super) leaves: &'a [L],
    /// `None` in the dense form, in which all positions are fixed.
    pub(super) links: Option<Links<'a>>,
    pub(super) trees: usize,
}

/// Links from a step's exits to the next blocks or leaves.
#[derive(Clone, Copy)]
pub(super) struct Links<'a> {
    /// Number of steps of each line of trees.
    pub(super) steps: &'a [u8],
    /// Link of each tree's root.
    pub(super) roots: &'a [u32_le],
    /// Link of each block.
    pub(super) blocks: &'a [u32_le],
}

/// The sum of the leaves that a row reaches, in the order of the trees.
///
/// # Safety
/// Without `C::CHECKED`, [`super::BlockForest::check`] must have accepted these parts.
#[inline(always)]
pub(super) unsafe fn score<C: Compare, S: LeafSum>(parts: &Parts<'_, S::Leaf>, row: &C, base: f64) -> f64 {
    let mut sum = S::start(base);
    let full = parts.trees / LINE_TREES;
    for number in 0..full {
        // SAFETY: the caller's promise, and there is a line for each four trees.
        for leaf in unsafe { leaves::<C, S>(parts, row, number) } {
            sum = S::add(sum, leaf);
        }
    }
    let left = parts.trees % LINE_TREES;
    if left > 0 {
        // SAFETY: as above; a last line is filled up with copies.
        for leaf in unsafe { leaves::<C, S>(parts, row, full) }.into_iter().take(left) {
            sum = S::add(sum, leaf);
        }
    }
    S::finish(sum)
}

/// The leaves of the four trees in a line.
///
/// # Safety
/// As [`score`], and `number` must be that of a line.
#[inline(always)]
unsafe fn leaves<C: Compare, S: LeafSum>(parts: &Parts<'_, S::Leaf>, row: &C, number: usize) -> [S::Leaf; 4] {
    // SAFETY: `check` has seen as many lines as the trees need, and that each exit of each block leads to a block or,
    // at the last step, to a leaf that is there.
    unsafe {
        let line = get::<C, _>(parts.roots, number);
        let places = match parts.links {
            None => dense(parts, row, number, line),
            Some(links) => linked(parts, row, number, line, links),
        };
        places.map(|place| *get::<C, _>(parts.leaves, place))
    }
}

/// Walks a root and one block below it, both full.
///
/// # Safety
/// As [`leaves`].
#[inline(always)]
unsafe fn dense<C: Compare, L>(
    parts: &Parts<'_, L>,
    row: &C,
    number: usize,
    line: &ArchivedLine,
) -> [usize; 4] {
    let first = number * LINE_TREES * DENSE_BLOCKS;
    let exits = row.exits_of_line(line);
    let at: [usize; 4] = std::array::from_fn(|tree| first + tree * DENSE_BLOCKS + exits[tree]);
    // SAFETY: the caller's promise.
    let exits = row.exits_of_blocks(at.map(|at| unsafe { get::<C, _>(parts.blocks, at) }));
    const { assert!(DENSE_LEAVES == 8 * DENSE_BLOCKS) };
    std::array::from_fn(|tree| 8 * at[tree] + exits[tree])
}

/// Walks as many blocks as the line's highest tree needs; blocks without conditions pass lower trees on.
///
/// # Safety
/// As [`leaves`].
#[inline(always)]
unsafe fn linked<C: Compare, L>(
    parts: &Parts<'_, L>,
    row: &C,
    number: usize,
    line: &ArchivedLine,
    links: Links<'_>,
) -> [usize; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        let exits = row.exits_of_line(line);
        let mut at: [usize; 4] = std::array::from_fn(|tree| {
            get::<C, _>(links.roots, LINE_TREES * number + tree).to_native() as usize + exits[tree]
        });
        for _ in 1..*get::<C, _>(links.steps, number) {
            let exits = row.exits_of_blocks(at.map(|at| get::<C, _>(parts.blocks, at)));
            at = std::array::from_fn(|tree| {
                get::<C, _>(links.blocks, at[tree]).to_native() as usize + exits[tree]
            });
        }
        at
    }
}
