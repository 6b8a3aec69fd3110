//! Ranking and comparing by AVX2: 32 comparisons at once.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{
    RankRow, Ranker,
    compare::{Compare, EXITS},
    table::{Table, Tables},
};
use crate::{
    file::v1::{ArchivedBlock, ArchivedLine},
    row::Row,
};

impl Ranker {
    /// Ranks a row.
    ///
    /// # Safety
    /// The machine must have AVX2 and POPCNT.
    #[target_feature(enable = "avx2,popcnt")]
    pub(crate) unsafe fn rank_avx2<R: Row + ?Sized>(&self, row: &R) -> RankRow {
        let mut ranks = RankRow([0; 256]);
        match &self.tables {
            Tables::Single(tables) => {
                for (table, ranked) in tables.iter().zip(&self.ranked) {
                    let value = row.single(usize::from(ranked.feature));
                    ranked.store(&mut ranks, rank_single(table, value), value.is_nan());
                }
            }
            Tables::Double(tables) => {
                for (table, ranked) in tables.iter().zip(&self.ranked) {
                    let value = row.double(usize::from(ranked.feature));
                    ranked.store(&mut ranks, rank_double(table, value), value.is_nan());
                }
            }
        }
        ranks
    }
}

#[target_feature(enable = "avx2,popcnt")]
#[inline]
fn rank_single(table: &Table<f32>, value: f32) -> u8 {
    let value = _mm256_set1_ps(value);
    // The last sixteen's pivot is NaN, so at most 15 count; the mask proves it.
    let sixteens = count_single(&table.pivots, value) & 15;
    (16 * sixteens + count_single(&table.sixteens[sixteens as usize], value)) as u8
}

/// Number of thresholds that are not above the value.
#[target_feature(enable = "avx2,popcnt")]
#[inline]
fn count_single(thresholds: &[f32; 16], value: __m256) -> u32 {
    let eights: &[[f32; 8]; 2] = thresholds.as_chunks().0.try_into().expect("16 is two eights");
    let masks = eights.each_ref().map(|eight| {
        // SAFETY: eight values can be read there.
        let eight = unsafe { _mm256_loadu_ps(eight.as_ptr()) };
        _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(eight, value))
    });
    (masks[0] | masks[1] << 8).count_ones()
}

#[target_feature(enable = "avx2,popcnt")]
#[inline]
fn rank_double(table: &Table<f64>, value: f64) -> u8 {
    let value = _mm256_set1_pd(value);
    // As above.
    let sixteens = count_double(&table.pivots, value) & 15;
    (16 * sixteens + count_double(&table.sixteens[sixteens as usize], value)) as u8
}

#[target_feature(enable = "avx2,popcnt")]
#[inline]
fn count_double(thresholds: &[f64; 16], value: __m256d) -> u32 {
    let fours: &[[f64; 4]; 4] = thresholds.as_chunks().0.try_into().expect("16 is four fours");
    let masks = fours.each_ref().map(|four| {
        // SAFETY: four values can be read there.
        let four = unsafe { _mm256_loadu_pd(four.as_ptr()) };
        _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LE_OQ>(four, value))
    });
    (masks[0] | masks[1] << 4 | masks[2] << 8 | masks[3] << 12).count_ones()
}

/// A rank row in registers, 16 slots in each, twice.
type RankRegisters<const REGISTERS: usize> = [__m256i; REGISTERS];

/// Loads the first `16 * REGISTERS` slots.
#[target_feature(enable = "avx2")]
#[inline]
fn load<const REGISTERS: usize>(row: &RankRow) -> RankRegisters<REGISTERS> {
    const { assert!(16 * REGISTERS <= 256) };
    std::array::from_fn(|register| {
        // SAFETY: 16 bytes from `16 * register` are inside the row, whose 256 bytes hold all REGISTERS.
        let sixteen = unsafe { _mm_loadu_si128(row.0.as_ptr().add(16 * register).cast()) };
        _mm256_broadcastsi128_si256(sixteen)
    })
}

/// A bit for each of 32 conditions that sends the row left, because its slot's rank is not above its own.
///
/// Slots must be below `16 * REGISTERS`; others give an arbitrary bit.
#[target_feature(enable = "avx2")]
#[inline]
fn left_of<const REGISTERS: usize>(row: &RankRegisters<REGISTERS>, slots: __m256i, ranks: __m256i) -> u32 {
    // A shuffle uses a slot's low four bits; its next bits choose between the shuffles, in pairs. A blend uses a byte's
    // highest bit, so the choosing bit is moved there.
    let found = match REGISTERS {
        1 => _mm256_shuffle_epi8(row[0], slots),
        2 => pair(row, 0, slots),
        4 => four(row, 0, slots),
        _ => {
            let choice = _mm256_slli_epi16::<1>(slots);
            _mm256_blendv_epi8(four(row, 0, slots), four(row, 4, slots), choice)
        }
    };
    let left = _mm256_cmpeq_epi8(_mm256_max_epu8(found, ranks), ranks);
    _mm256_movemask_epi8(left) as u32
}

#[target_feature(enable = "avx2")]
#[inline]
fn pair<const REGISTERS: usize>(row: &RankRegisters<REGISTERS>, first: usize, slots: __m256i) -> __m256i {
    let choice = _mm256_slli_epi16::<3>(slots);
    let (low, high) = (_mm256_shuffle_epi8(row[first], slots), _mm256_shuffle_epi8(row[first + 1], slots));
    _mm256_blendv_epi8(low, high, choice)
}

#[target_feature(enable = "avx2")]
#[inline]
fn four<const REGISTERS: usize>(row: &RankRegisters<REGISTERS>, first: usize, slots: __m256i) -> __m256i {
    let choice = _mm256_slli_epi16::<2>(slots);
    _mm256_blendv_epi8(pair(row, first, slots), pair(row, first + 2, slots), choice)
}

/// A ranked row in AVX2 registers, which compare 32 conditions at once.
pub(crate) struct Avx2<const REGISTERS: usize> {
    row: RankRegisters<REGISTERS>,
}

impl<const REGISTERS: usize> Avx2<REGISTERS> {
    /// Loads a row.
    ///
    /// # Safety
    /// The machine must have AVX2 while the value is used.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(crate) unsafe fn new(row: &RankRow) -> Self {
        Self { row: load(row) }
    }
}

/// The exit of each of four blocks, from the results of their conditions.
#[inline(always)]
pub(super) fn exits(left: u32) -> [usize; 4] {
    left.to_le_bytes().map(|left| usize::from(EXITS[usize::from(left)]))
}

impl<const REGISTERS: usize> Compare for Avx2<REGISTERS> {
    const CHECKED: bool = false;

    #[inline(always)]
    fn left(&self, line: &ArchivedLine) -> u32 {
        // SAFETY: each array has 32 bytes. A value of this type exists only where there is AVX2 (`new`).
        unsafe {
            let slots = _mm256_loadu_si256(line.slots.as_ptr().cast());
            let ranks = _mm256_loadu_si256(line.ranks.as_ptr().cast());
            left_of(&self.row, slots, ranks)
        }
    }

    #[inline(always)]
    fn exits_of_line(&self, line: &ArchivedLine) -> [usize; 4] {
        exits(self.left(line))
    }

    #[inline(always)]
    fn exits_of_blocks(&self, blocks: [&ArchivedBlock; 4]) -> [usize; 4] {
        // SAFETY: a value of this type exists only where there is AVX2 (`new`).
        unsafe {
            let (slots, ranks) = gather(blocks);
            exits(left_of(&self.row, slots, ranks))
        }
    }
}

/// The slots of four blocks, and their ranks.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn gather(blocks: [&ArchivedBlock; 4]) -> (__m256i, __m256i) {
    const { assert!(size_of::<ArchivedBlock>() == 16) };
    // SAFETY: a block has 16 bytes: eight slots, eight ranks.
    let [a, b, c, d] = blocks.map(|block| unsafe { _mm_loadu_si128(std::ptr::from_ref(block).cast()) });
    let slots = _mm256_set_m128i(_mm_unpacklo_epi64(c, d), _mm_unpacklo_epi64(a, b));
    let ranks = _mm256_set_m128i(_mm_unpackhi_epi64(c, d), _mm_unpackhi_epi64(a, b));
    (slots, ranks)
}
