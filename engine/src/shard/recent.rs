//! The newest scored grid rows, on which a new model is tried before it is activated.

use crate::features::Row;

/// A ring of the newest rows of all symbols of the shard.
#[derive(Debug, Default)]
pub(super) struct RecentRows {
    rows: Vec<Row>,
    /// Index of the oldest row, once the ring is full.
    oldest: usize,
    rows_max: usize,
}

impl RecentRows {
    /// An empty ring for `rows_max` rows; with 0 it keeps nothing.
    pub(super) fn new(rows_max: usize) -> Self {
        Self { rows: Vec::with_capacity(rows_max), oldest: 0, rows_max }
    }

    /// Adds a row; if the ring is full, it replaces the oldest.
    pub(super) fn push(&mut self, row: &Row) {
        if self.rows.len() < self.rows_max {
            self.rows.push(*row);
        } else if let Some(oldest) = self.rows.get_mut(self.oldest) {
            *oldest = *row;
            self.oldest = (self.oldest + 1) % self.rows_max;
        }
    }

    /// All rows, oldest first.
    pub(super) fn read(&self) -> Vec<Row> {
        let (newer, older) = self.rows.split_at(self.oldest);
        [older, newer].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::FEATURE_COUNT;

    #[test]
    fn the_newest_rows_are_kept_in_order() {
        let row = |value: usize| [value as f32; FEATURE_COUNT];
        for rows_max in [0, 1, 3, 10] {
            let mut recent = RecentRows::new(rows_max);
            (0..8).for_each(|value| recent.push(&row(value)));
            let kept: Vec<f32> = recent.read().iter().map(|row| row[0]).collect();
            let expected: Vec<f32> = (8 - rows_max.min(8)..8).map(|value| value as f32).collect();
            assert_eq!(kept, expected, "of at most {rows_max}");
        }
    }
}
