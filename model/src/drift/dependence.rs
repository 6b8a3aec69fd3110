//! Estimates the number of independent rows that a column's dependent rows are worth.
//!
//! Rows five seconds apart whose features look back ten minutes share nearly everything they measure, and symbols move
//! together: 43,200 such rows describe the distribution no better than some hundreds of independent ones, and a p-value
//! that counts them all finds drift between any two afternoons. So the number is measured, not assumed.

use super::sample::Numbers;

/// Fewest blocks from which a variance is estimated.
pub const BLOCKS_MIN: usize = 32;

/// A value of the side with some of its values above it, to be passed to [`effective_rows`]: the median, or the
/// greatest value below it if no value is above the median. Negative infinity if all values are equal, or there are
/// none.
///
/// ```
/// use stormglass_model::drift::{Numbers, centre};
/// assert_eq!(centre(&Numbers::new([1.0, 2.0, 4.0], false)), 2.0);
/// // Mostly at their greatest value: nothing is above the median.
/// assert_eq!(centre(&Numbers::new([0.0, 1.0, 1.0, 1.0], false)), 0.0);
/// ```
pub fn centre(side: &Numbers) -> f64 {
    let median = side.quantile(0.5);
    if side.sorted().last().is_some_and(|&last| last > median) {
        return median;
    }
    let below = side.sorted().partition_point(|&value| value < median);
    below.checked_sub(1).map_or(f64::NEG_INFINITY, |at| side.sorted()[at])
}

/// The number of independent rows that would estimate the share of values above `centre` as precisely as these
/// dependent rows do.
///
/// The centre must come from these values (see [`centre()`]): around that of another side, a shift so great that all
/// values are above it would look like one row. `values` are in the order of time, each with its group (the symbol);
/// missing and infinite ones are left out, as by [`Numbers`]. The difference between groups is no dependence and is
/// removed. The variance of a mean of neighbours is estimated from ever longer blocks (Flyvbjerg and Petersen 1989) and
/// the greatest estimate is taken: with dependent rows it grows with the block length until the blocks are longer than
/// the dependence. The result is at least 1 and at most the number of rows; fewer than 64 values all count, because
/// that is too few to measure it.
///
/// # Panics
/// If the lengths differ.
pub fn effective_rows(values: &[f64], groups: &[u32], centre: f64) -> f64 {
    assert_eq!(values.len(), groups.len(), "values, groups");
    let mut above: Vec<(u32, f64)> = values
        .iter()
        .zip(groups)
        .filter(|(value, _)| value.is_finite())
        .map(|(&value, &group)| (group, f64::from(u8::from(value > centre))))
        .collect();
    let rows = above.len() as f64;
    if above.len() < 2 * BLOCKS_MIN {
        return rows;
    }
    let groups_count = above.iter().map(|&(group, _)| group as usize + 1).max().unwrap_or(0);
    let mut means = vec![(0.0, 0.0); groups_count];
    for &(group, flag) in &above {
        let (sum, count) = &mut means[group as usize];
        *sum += flag;
        *count += 1.0;
    }
    for (group, flag) in &mut above {
        let (sum, count) = means[*group as usize];
        *flag -= sum / count;
    }
    let mut blocks: Vec<f64> = above.into_iter().map(|(_, flag)| flag).collect();
    let spread = blocks.iter().map(|flag| flag * flag).sum::<f64>() / rows;
    if spread == 0.0 {
        // Within each group all values are on the same side of the centre.
        return (groups_count as f64).min(rows);
    }
    let mut greatest: f64 = 0.0;
    while blocks.len() >= BLOCKS_MIN {
        let count = blocks.len() as f64;
        let mean = blocks.iter().sum::<f64>() / count;
        let squares = blocks.iter().map(|block| (block - mean) * (block - mean)).sum::<f64>();
        greatest = greatest.max(squares / (count * (count - 1.0)));
        blocks = blocks.chunks_exact(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect();
    }
    (spread / greatest).clamp(1.0, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uniform numbers, the same every time.
    fn noise() -> impl Iterator<Item = f64> {
        let mut state = 1_u64;
        std::iter::from_fn(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            Some((state >> 11) as f64 / (1_u64 << 53) as f64)
        })
    }

    #[test]
    fn independent_rows_count_and_repeated_ones_count_once() {
        let independent: Vec<f64> = noise().take(20_000).collect();
        let all = effective_rows(&independent, &[0; 20_000], 0.5);
        assert!((10_000.0..=20_000.0).contains(&all), "{all}");
        let repeated: Vec<f64> = noise().take(400).flat_map(|value| [value; 50]).collect();
        let once = effective_rows(&repeated, &[0; 20_000], 0.5);
        assert!((150.0..=500.0).contains(&once), "{once}");
    }

    #[test]
    fn what_sets_groups_apart_is_no_dependence_but_moving_together_is() {
        let groups: Vec<u32> = (0..20_000).map(|row| row % 2).collect();
        let apart: Vec<f64> =
            noise().take(20_000).zip(&groups).map(|(v, &g)| v + 0.6 * f64::from(g)).collect();
        assert!(effective_rows(&apart, &groups, 0.8) > 8_000.0);
        let together: Vec<f64> = noise().take(10_000).flat_map(|value| [value; 2]).collect();
        let half = effective_rows(&together, &groups, 0.5);
        assert!((5_000.0..=11_000.0).contains(&half), "{half}");
        let fixed: Vec<f64> = groups.iter().map(|&group| f64::from(group)).collect();
        assert_eq!(effective_rows(&fixed, &groups, 0.5), 2.0);
        assert_eq!(effective_rows(&[1.0, f64::NAN, 3.0], &[0; 3], 2.0), 2.0);
    }

    #[test]
    fn what_is_infinite_is_no_row() {
        let mut values: Vec<f64> = noise().take(20_000).collect();
        let rows = effective_rows(&values, &[0; 20_000], 0.5);
        values.extend([f64::INFINITY; 20_000]);
        assert_eq!(effective_rows(&values, &[0; 40_000], 0.5), rows);
        assert_eq!(effective_rows(&[1.0, f64::NEG_INFINITY, 3.0], &[0; 3], 2.0), 2.0);
    }

    #[test]
    fn a_centre_has_values_above_it_wherever_there_are_two() {
        let of = |values: &[f64]| centre(&Numbers::new(values.iter().copied(), false));
        assert_eq!(of(&[1.0, 2.0, 3.0, 4.0]), 2.5);
        assert_eq!(of(&[0.0, 0.0, 0.0, 5.0]), 0.0);
        assert_eq!(of(&[-1.0, 0.0, 5.0, 5.0, 5.0]), 0.0);
        assert_eq!(of(&[5.0; 4]), f64::NEG_INFINITY);
        assert_eq!(of(&[]), f64::NEG_INFINITY);
    }
}
