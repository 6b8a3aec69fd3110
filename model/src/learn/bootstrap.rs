//! Confidence intervals of an average precision: the block bootstrap (Kunsch 1989), paired between scores.
//!
//! Rows of neighbouring instants share most of their seconds, so rows are not drawn one by one: time is cut into
//! blocks, and as many blocks as there are are drawn with replacement, for all symbols together. Every score is
//! measured on the same draws, so that common variation cancels in their differences.

use super::random::Random;

/// The draws, the same for all scores.
#[derive(Debug)]
pub struct BlockBootstrap {
    /// The block of each row.
    block_of: Vec<u32>,
    /// Number of blocks that hold a row.
    blocks: usize,
    /// For each draw, the number of times that each block was drawn.
    draws: Vec<Vec<u32>>,
}

impl BlockBootstrap {
    /// Cuts rows into blocks of `block_s` seconds and makes `count` draws.
    ///
    /// # Panics
    /// If `block_s` is not above 0.
    pub fn new(times_s: &[i64], block_s: i64, count: usize, seed: u64) -> Self {
        assert!(block_s > 0, "blocks of {block_s} s");
        let mut blocks: Vec<i64> = times_s.iter().map(|time| time.div_euclid(block_s)).collect();
        blocks.sort_unstable();
        blocks.dedup();
        let number = |time: &i64| blocks.partition_point(|block| *block < time.div_euclid(block_s)) as u32;
        let block_of = times_s.iter().map(number).collect();
        let mut random = Random::new(seed);
        let draws = (0..count)
            .map(|_| {
                let mut drawn = vec![0_u32; blocks.len()];
                for _ in 0..blocks.len() {
                    drawn[random.below(blocks.len())] += 1;
                }
                drawn
            })
            .collect();
        Self { block_of, blocks: blocks.len(), draws }
    }

    /// Number of blocks that the rows lie in.
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// Average precision of a score in every draw, as [`average_precision`](crate::evaluation::average_precision) with
    /// each row repeated as often as its block was drawn. NaN in a draw without a true label.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn average_precision(&self, labels: &[bool], scores: &[f64]) -> Vec<f64> {
        assert_eq!((labels.len(), scores.len()), (self.block_of.len(), self.block_of.len()));
        let mut rows: Vec<usize> = (0..scores.len()).collect();
        rows.sort_unstable_by(|&one, &other| scores[other].total_cmp(&scores[one]));
        // Sorted once: block, label, and whether the next row has the same score.
        let sorted: Vec<(u32, bool, bool)> = rows
            .iter()
            .enumerate()
            .map(|(place, &row)| {
                let tied = rows.get(place + 1).is_some_and(|&next| scores[next] == scores[row]);
                (self.block_of[row], labels[row], tied)
            })
            .collect();
        self.draws.iter().map(|drawn| weighted(&sorted, drawn)).collect()
    }
}

fn weighted(sorted: &[(u32, bool, bool)], drawn: &[u32]) -> f64 {
    let (mut found, mut seen, mut added, mut sum) = (0.0, 0.0, 0.0, 0.0);
    for &(block, label, tied) in sorted {
        let weight = f64::from(drawn[block as usize]);
        seen += weight;
        if label {
            added += weight;
        }
        if !tied && added > 0.0 {
            found += added;
            sum += added * (found / seen);
            added = 0.0;
        }
    }
    sum / found
}

/// The central interval that holds the share `coverage` of values, as two quantiles, each the value at its rank,
/// rounded to the nearest. NaN values are left out; NaN if none is left.
pub fn interval(values: &[f64], coverage: f64) -> (f64, f64) {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let rank = (share * (sorted.len().max(1) - 1) as f64).round() as usize;
        sorted.get(rank).copied().unwrap_or(f64::NAN)
    };
    ((at((1.0 - coverage) / 2.0)), at(1.0 - (1.0 - coverage) / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::average_precision;

    #[test]
    fn a_draw_is_the_average_precision_of_the_rows_it_repeats() {
        let mut random = Random::new(3);
        let times: Vec<i64> = (0..600).map(|row| row * 5).collect();
        let labels: Vec<bool> = (0..600).map(|_| random.below(5) == 0).collect();
        // Coarse scores: many ties.
        let scores: Vec<f64> =
            labels.iter().map(|&label| (random.below(8) + usize::from(label) * 2) as f64).collect();
        let bootstrap = BlockBootstrap::new(&times, 300, 20, 1);
        for (drawn, got) in bootstrap.draws.iter().zip(bootstrap.average_precision(&labels, &scores)) {
            let repeated: Vec<usize> = (0..600)
                .flat_map(|row| std::iter::repeat_n(row, drawn[bootstrap.block_of[row] as usize] as usize))
                .collect();
            let labels: Vec<bool> = repeated.iter().map(|&row| labels[row]).collect();
            let scores: Vec<f64> = repeated.iter().map(|&row| scores[row]).collect();
            assert!((got - average_precision(&labels, &scores).unwrap()).abs() < 1e-12);
        }
        assert_eq!(interval(&[3.0, 1.0, 2.0, 5.0, 4.0], 0.5), (2.0, 4.0));
        assert_eq!(interval(&[3.0, f64::NAN, 1.0], 1.0), (1.0, 3.0));
        assert!(interval(&[f64::NAN], 0.9).0.is_nan() && interval(&[], 0.9).1.is_nan());
        assert_eq!(bootstrap.blocks(), 10);
        assert!(bootstrap.average_precision(&[false; 600], &scores).iter().all(|drawn| drawn.is_nan()));
    }
}
