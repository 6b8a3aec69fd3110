//! The comparisons of a ranked row with conditions: the trait, and its portable implementation.

use super::RankRow;
use crate::file::v1::{ArchivedBlock, ArchivedLine};

/// Compares conditions with a row.
pub(crate) trait Compare {
    /// Whether the walk checks bounds.
    const CHECKED: bool;

    /// A bit for each of a line's 32 conditions that sends the row left.
    fn left(&self, line: &ArchivedLine) -> u32;
    /// The bits of one of a line's four groups of eight, for walks that check bounds.
    #[inline(always)]
    fn left_of_eight(&self, line: &ArchivedLine, eight: usize) -> u8 {
        self.left(line).to_le_bytes()[eight]
    }
    /// The exit, 0 to 7, of each of four root blocks.
    fn exits_of_line(&self, line: &ArchivedLine) -> [usize; 4];
    /// The exit, 0 to 7, of each of four blocks.
    fn exits_of_blocks(&self, blocks: [&ArchivedBlock; 4]) -> [usize; 4];
}

/// The portable implementation, with which tests compare the others.
pub(crate) struct Portable<'a>(pub(crate) &'a RankRow);

impl Portable<'_> {
    #[inline(always)]
    fn right(&self, slot: u8, rank: u8) -> usize {
        usize::from(self.0.0[usize::from(slot)] > rank)
    }

    /// The exit of a block: its seven conditions are three levels of a tree, from the top.
    #[inline(always)]
    fn exit(&self, slots: &[u8; 8], ranks: &[u8; 8]) -> usize {
        let top = self.right(slots[0], ranks[0]);
        let middle = 1 + top;
        let path = 2 * top + self.right(slots[middle], ranks[middle]);
        let bottom = 3 + path;
        2 * path + self.right(slots[bottom], ranks[bottom])
    }
}

impl Compare for Portable<'_> {
    const CHECKED: bool = true;

    #[inline(always)]
    fn left(&self, line: &ArchivedLine) -> u32 {
        let conditions = line.slots.iter().zip(&line.ranks).enumerate();
        conditions.fold(0, |left, (at, (&slot, &rank))| left | (1 - self.right(slot, rank) as u32) << at)
    }

    #[inline(always)]
    fn left_of_eight(&self, line: &ArchivedLine, eight: usize) -> u8 {
        let (slots, ranks) = (line.slots.as_chunks::<8>().0[eight], line.ranks.as_chunks::<8>().0[eight]);
        let conditions = slots.into_iter().zip(ranks).enumerate();
        conditions.fold(0, |left, (at, (slot, rank))| left | (1 - self.right(slot, rank) as u8) << at)
    }

    #[inline(always)]
    fn exits_of_line(&self, line: &ArchivedLine) -> [usize; 4] {
        let (slots, ranks) = (line.slots.as_chunks::<8>().0, line.ranks.as_chunks::<8>().0);
        std::array::from_fn(|tree| self.exit(&slots[tree], &ranks[tree]))
    }

    #[inline(always)]
    fn exits_of_blocks(&self, blocks: [&ArchivedBlock; 4]) -> [usize; 4] {
        blocks.map(|block| self.exit(&block.slots, &block.ranks))
    }
}

/// The exit for each byte of conditions that send left. The eighth condition is unused, so its bit does not matter.
pub(super) const EXITS: [u8; 256] = {
    let mut exits = [0; 256];
    let mut left = 0;
    while left < 256 {
        let top = !left & 1;
        let path = 2 * top + (!left >> (1 + top) & 1);
        exits[left] = (2 * path + (!left >> (3 + path) & 1)) as u8;
        left += 1;
    }
    exits
};
