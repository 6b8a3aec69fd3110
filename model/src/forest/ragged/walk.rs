//! Evaluates all conditions first, then walks eight trees at once, a block a step. The steps of one tree depend on each
//! other, those of eight trees do not.

#![allow(unsafe_code)]

use super::{
    pack::LINE_BLOCKS,
    plan::{CHUNK_BLOCKS_MAX, Chunk, GROUP_TREES, Group, Plan},
};
use crate::{
    file::v1::ArchivedLine,
    forest::{ranked::get, ranks::compare::Compare, sum::LeafSum},
};

/// The parts of a forest that a walk reads.
pub(super) struct Parts<'a, L> {
    pub(super) lines: &'a [ArchivedLine],
    pub(super) plan: &'a Plan,
    pub(super) leaves: &'a [L],
    pub(super) trees: usize,
}

/// The sum of the leaves that a row reaches, in the order of the trees.
///
/// # Safety
/// Without `C::CHECKED`, [`super::RaggedForest::check`] must have made the plan for these lines and leaves.
#[inline(always)]
pub(super) unsafe fn score<C: Compare, S: LeafSum>(parts: &Parts<'_, S::Leaf>, row: &C, base: f64) -> f64 {
    let mut sum = S::start(base);
    let mut answers = [0; CHUNK_BLOCKS_MAX];
    let mut left = parts.trees;
    for chunk in &parts.plan.chunks {
        // Portable code evaluates conditions on demand, block by block.
        if !C::CHECKED {
            let (lines, turned) =
                (&parts.lines[chunk.lines.clone()], &parts.plan.turned[chunk.lines.clone()]);
            let answers = answers.as_chunks_mut::<LINE_BLOCKS>().0;
            for ((line, turned), answers) in lines.iter().zip(turned).zip(answers) {
                *answers = (row.left(line) ^ turned).to_le_bytes();
            }
        }
        for group in &parts.plan.groups[chunk.groups.clone()] {
            // SAFETY: the caller's promise.
            let leaves = unsafe { leaves::<C, S>(parts, row, chunk, &answers, group) };
            if left >= GROUP_TREES {
                for leaf in leaves {
                    sum = S::add(sum, leaf);
                }
                left -= GROUP_TREES;
            } else {
                for leaf in leaves.into_iter().take(left) {
                    sum = S::add(sum, leaf);
                }
            }
        }
    }
    S::finish(sum)
}

/// The leaves of a group's trees.
///
/// # Safety
/// As [`score`]. The group must be one of the chunk's, and without `C::CHECKED` the answers must be that chunk's.
#[inline(always)]
unsafe fn leaves<C: Compare, S: LeafSum>(
    parts: &Parts<'_, S::Leaf>,
    row: &C,
    chunk: &Chunk,
    answers: &[u8; CHUNK_BLOCKS_MAX],
    group: &Group,
) -> [S::Leaf; GROUP_TREES] {
    let mut at = group.roots;
    for _ in 0..group.steps {
        at = at.map(|at| {
            // SAFETY: the plan has a place for every root and for every exit of every step but the last, answers for
            // every block of a chunk, and exits for every answers of every shape.
            unsafe {
                let place = get::<C, _>(&parts.plan.places, at as usize);
                let answers = if C::CHECKED {
                    ask(parts, row, chunk, usize::from(place.answers))
                } else {
                    *get::<C, _>(answers, usize::from(place.answers))
                };
                let exit = usize::from(place.exits) + usize::from(answers);
                place.link + u32::from(*get::<C, _>(parts.plan.exits.as_slice(), exit))
            }
        });
    }
    // SAFETY: the last step's links are those of leaves.
    at.map(|at| unsafe { *get::<C, _>(parts.leaves, at as usize) })
}

/// The results of one block's conditions, a bit each.
#[inline(always)]
fn ask<C: Compare, L>(parts: &Parts<'_, L>, row: &C, chunk: &Chunk, block: usize) -> u8 {
    let (at, eight) = (chunk.lines.start + block / LINE_BLOCKS, block % LINE_BLOCKS);
    match (parts.lines.get(at), parts.plan.turned.get(at)) {
        (Some(line), Some(turned)) => row.left_of_eight(line, eight) ^ turned.to_le_bytes()[eight],
        // A forest that consists only of leaves has no block.
        _ => 0,
    }
}
