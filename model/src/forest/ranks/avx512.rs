//! Ranking and comparing by AVX-512 with byte permutes (VBMI): one instruction looks up 64 or 128 slots.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{
    RankRow, Ranker,
    avx2::{exits, gather},
    compare::Compare,
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
    /// The machine must have AVX-512 F and POPCNT.
    #[target_feature(enable = "avx512f,popcnt")]
    pub(crate) unsafe fn rank_avx512<R: Row + ?Sized>(&self, row: &R) -> RankRow {
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

#[target_feature(enable = "avx512f,popcnt")]
#[inline]
fn rank_single(table: &Table<f32>, value: f32) -> u8 {
    let value = _mm512_set1_ps(value);
    // The last sixteen's pivot is NaN, so at most 15 count; the mask proves it.
    let sixteens = count_single(&table.pivots, value) & 15;
    (16 * sixteens + count_single(&table.sixteens[sixteens as usize], value)) as u8
}

/// Number of thresholds that are not above the value.
#[target_feature(enable = "avx512f,popcnt")]
#[inline]
fn count_single(thresholds: &[f32; 16], value: __m512) -> u32 {
    // SAFETY: sixteen values can be read there.
    let thresholds = unsafe { _mm512_loadu_ps(thresholds.as_ptr()) };
    _mm512_cmp_ps_mask::<_CMP_LE_OQ>(thresholds, value).count_ones()
}

#[target_feature(enable = "avx512f,popcnt")]
#[inline]
fn rank_double(table: &Table<f64>, value: f64) -> u8 {
    let value = _mm512_set1_pd(value);
    // As above.
    let sixteens = count_double(&table.pivots, value) & 15;
    (16 * sixteens + count_double(&table.sixteens[sixteens as usize], value)) as u8
}

#[target_feature(enable = "avx512f,popcnt")]
#[inline]
fn count_double(thresholds: &[f64; 16], value: __m512d) -> u32 {
    let eights: &[[f64; 8]; 2] = thresholds.as_chunks().0.try_into().expect("16 is two eights");
    let [low, high] = eights.each_ref().map(|eight| {
        // SAFETY: eight values can be read there.
        let eight = unsafe { _mm512_loadu_pd(eight.as_ptr()) };
        u32::from(_mm512_cmp_pd_mask::<_CMP_LE_OQ>(eight, value))
    });
    (low | high << 8).count_ones()
}

/// [`Compare`] by AVX-512; `WIDE`: 128 slots, else 64.
pub(crate) struct Avx512<const WIDE: bool> {
    low: __m512i,
    high: __m512i,
}

impl<const WIDE: bool> Avx512<WIDE> {
    /// Loads a row.
    ///
    /// # Safety
    /// The machine must have AVX2 and AVX-512 F, BW, VL and VBMI while the value is used.
    #[target_feature(enable = "avx512f")]
    #[inline]
    pub(crate) unsafe fn new(row: &RankRow) -> Self {
        // SAFETY: the row has 256 bytes.
        unsafe {
            let first = row.0.as_ptr();
            Self { low: _mm512_loadu_si512(first.cast()), high: _mm512_loadu_si512(first.add(64).cast()) }
        }
    }

    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,avx512vbmi")]
    #[inline]
    fn left_of(&self, slots: __m256i, ranks: __m256i) -> u32 {
        let slots = _mm512_castsi256_si512(slots);
        let found = if WIDE {
            _mm512_permutex2var_epi8(self.low, slots, self.high)
        } else {
            _mm512_permutexvar_epi8(slots, self.low)
        };
        _mm256_cmple_epu8_mask(_mm512_castsi512_si256(found), ranks)
    }
}

impl<const WIDE: bool> Compare for Avx512<WIDE> {
    const CHECKED: bool = false;

    #[inline(always)]
    fn left(&self, line: &ArchivedLine) -> u32 {
        // SAFETY: each array has 32 bytes. A value of this type exists only where the instructions do (`new`).
        unsafe {
            let slots = _mm256_loadu_si256(line.slots.as_ptr().cast());
            let ranks = _mm256_loadu_si256(line.ranks.as_ptr().cast());
            self.left_of(slots, ranks)
        }
    }

    #[inline(always)]
    fn exits_of_line(&self, line: &ArchivedLine) -> [usize; 4] {
        exits(self.left(line))
    }

    #[inline(always)]
    fn exits_of_blocks(&self, blocks: [&ArchivedBlock; 4]) -> [usize; 4] {
        // SAFETY: a value of this type exists only where the instructions do (`new`).
        unsafe {
            let (slots, ranks) = gather(blocks);
            exits(self.left_of(slots, ranks))
        }
    }
}
