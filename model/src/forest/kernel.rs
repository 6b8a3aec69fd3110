//! Walks twenty trees at once, a fixed number of steps, without branches that depend on the data.
//!
//! A step is `at += offset + (x[slot] >= threshold)`. At a leaf the offset is 0 and the slot holds NaN, which is not
//! `>=` anything, so a finished walk stays at its leaf: no test for leaves is needed, and trees of unequal depth share
//! a trip count. The steps of one tree depend on each other (a load, a load, a compare, an add); those of twenty trees
//! do not, so they overlap.

#![allow(unsafe_code)]

use crate::file::v1::ArchivedNode;

use super::slots::SLOT_BITS;

/// Most trees walked together: a full group.
pub(crate) const LANES_MAX: usize = 20;
/// Groups are widened to a multiple of this many trees by walking their first tree again.
pub(crate) const LANES_STEP: usize = 4;
/// Trees whose leaves are gathered and then added in the order of the sum: five full groups.
pub(crate) const BLOCK_TREES: usize = 100;

/// One tree of a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane {
    /// Position of the tree's root among the nodes.
    pub(crate) root: u32,
    /// The tree's place in the block's order of the sum; [`BLOCK_TREES`] for a repeated tree, whose leaf is not used.
    pub(crate) place: u32,
}

/// The node that each lane's walk has reached.
pub(crate) type Arrived = [u32; LANES_MAX];

/// The node at a position.
///
/// With `CHECKED`, bounds-checked: the reference that tests compare the other with.
///
/// # Safety
/// Without `CHECKED`, `at` must be a node.
#[inline(always)]
pub(crate) unsafe fn node_at<const CHECKED: bool>(nodes: &[ArchivedNode], at: u32) -> ArchivedNode {
    if CHECKED {
        return nodes[at as usize];
    }
    // SAFETY: the caller's promise.
    unsafe { *nodes.get_unchecked(at as usize) }
}

/// Walks one group.
///
/// # Safety
/// Without `CHECKED`: every root is a node, every node that is not a leaf has both children among the nodes, and a
/// leaf's offset is 0 and its slot holds NaN. [`super::narrow::NarrowForest::check`] has checked that.
#[inline(always)]
unsafe fn walk<const LANES: usize, const SLOTS: usize, const CHECKED: bool>(
    nodes: &[ArchivedNode],
    slots: &[f32; SLOTS],
    lanes: &[Lane; LANES],
    trips: u32,
) -> [u32; LANES] {
    let mut at = lanes.map(|lane| lane.root);
    for _ in 0..trips {
        for place in &mut at {
            // SAFETY: `at` starts at a root and moves only from a split to one of its children or, at a leaf, by 0
            // (NaN >= threshold is false); the caller vouches that those are nodes.
            let node = unsafe { node_at::<CHECKED>(nodes, *place) };
            let link = node.link.to_native();
            // Slots are fewer than SLOTS, a power of two of at most 2^SLOT_BITS, so the mask takes the slot's bits
            // out of the link and proves the index in one operation.
            let value = slots[link as usize & (SLOTS - 1)];
            let threshold = f32::from_bits(node.value.to_native());
            *place += (link >> SLOT_BITS) + u32::from(value >= threshold);
        }
        // Keeps the places in memory, with one load and one store a step. They do not fit into registers, and the
        // compiler would move them about between the steps.
        std::hint::black_box(&mut at);
    }
    at
}

/// Walks one group of any width that is a multiple of [`LANES_STEP`].
///
/// # Safety
/// As `walk`.
///
/// # Panics
/// If the width is none of those.
#[inline(always)]
pub(crate) unsafe fn walk_group<const SLOTS: usize, const CHECKED: bool>(
    nodes: &[ArchivedNode],
    slots: &[f32; SLOTS],
    lanes: &[Lane],
    trips: u32,
    arrived: &mut Arrived,
) {
    macro_rules! of_width {
        ($($width:literal)*) => {
            match lanes.len() {
                $($width => {
                    let lanes: &[Lane; $width] = lanes.try_into().expect("the match is on this length");
                    // SAFETY: the caller's promise is `walk`'s.
                    let at = unsafe { walk::<$width, SLOTS, CHECKED>(nodes, slots, lanes, trips) };
                    arrived[..$width].copy_from_slice(&at);
                })*
                width => unreachable!("a group of {width} trees: the schedule makes none"),
            }
        };
    }
    of_width!(4 8 12 16 20)
}
