//! Training data: rows of features with labels, times and symbols.

use std::collections::HashSet;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::error::LearnError;
use crate::schema::FeatureName;

/// Fewest rows of a part that is learned from or measured on.
const ROWS_MIN: usize = 50;

/// Labelled rows of features. Checked when made.
#[derive(Clone, Debug)]
pub struct Dataset {
    features: Vec<FeatureName>,
    /// One line for each row, one column for each feature.
    rows: Array2<f32>,
    labels: Vec<bool>,
    times_s: Vec<i64>,
    groups: Vec<u32>,
}

impl Dataset {
    /// `rows` is row-major, as wide as `features`, NaN = missing; the others have one entry for each row: whether a
    /// spike occurred, the event time in seconds, and the symbol's number (any numbering). Rows may be in any order.
    ///
    /// # Errors
    /// [`LearnError::Dataset`]: lengths that differ, no rows, a feature twice, or an infinite value.
    pub fn new(
        features: Vec<FeatureName>,
        rows: Vec<f32>,
        labels: Vec<bool>,
        times_s: Vec<i64>,
        groups: Vec<u32>,
    ) -> Result<Self, LearnError> {
        let fault = |what: String| Err(LearnError::Dataset(what));
        let count = labels.len();
        if count == 0 || features.is_empty() {
            return fault(format!("{count} rows of {} features", features.len()));
        }
        let values = rows.len();
        let rows = match Array2::from_shape_vec((count, features.len()), rows) {
            Ok(rows) if times_s.len() == count && groups.len() == count => rows,
            _ => {
                return fault(format!(
                    "{values} values, {count} labels, {} times, {} groups for rows of {} features",
                    times_s.len(),
                    groups.len(),
                    features.len()
                ));
            }
        };
        let mut names = HashSet::new();
        if let Some(twice) = features.iter().find(|feature| !names.insert(&feature.name)) {
            return fault(format!("feature {} stands there twice", twice.name));
        }
        if let Some(((row, place), _)) = rows.indexed_iter().find(|(_, value)| value.is_infinite()) {
            return fault(format!("row {row}: {} is infinite", features[place]));
        }
        Ok(Self { features, rows, labels, times_s, groups })
    }

    /// The features, in the order of a row.
    pub fn features(&self) -> &[FeatureName] {
        &self.features
    }

    /// Number of rows; never 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// One row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        self.rows.row(row).to_slice().expect("rows stand one behind the other since they were made")
    }

    /// All rows: one line for each row, one column for each feature.
    pub fn matrix(&self) -> ArrayView2<'_, f32> {
        self.rows.view()
    }

    /// One feature of every row.
    ///
    /// # Panics
    /// If there is no such feature.
    pub fn column(&self, feature: usize) -> ArrayView1<'_, f32> {
        self.rows.column(feature)
    }

    /// Whether a spike occurred, for each row.
    pub fn labels(&self) -> &[bool] {
        &self.labels
    }

    /// Event time of each row, seconds.
    pub fn times_s(&self) -> &[i64] {
        &self.times_s
    }

    /// Number of each row's symbol.
    pub fn groups(&self) -> &[u32] {
        &self.groups
    }

    /// The position of a feature by its name, whatever its version.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.features.iter().position(|feature| feature.name == name)
    }

    /// Checks that these rows suffice to learn from or measure on; `part` names them in the error.
    ///
    /// # Errors
    /// [`LearnError::TooLittle`] for fewer than 50 rows, or rows with one outcome only.
    pub fn enough(&self, part: &'static str, rows: &[usize]) -> Result<(), LearnError> {
        let spikes = rows.iter().filter(|&&row| self.labels[row]).count();
        if rows.len() < ROWS_MIN || spikes == 0 || spikes == rows.len() {
            return Err(LearnError::TooLittle { part, rows: rows.len(), spikes, needed: ROWS_MIN });
        }
        Ok(())
    }

    /// A copy with only these rows, in this order.
    ///
    /// # Errors
    /// [`LearnError::Dataset`] for no rows.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn rows(&self, chosen: &[usize]) -> Result<Self, LearnError> {
        Self::new(
            self.features.clone(),
            self.rows.select(Axis(0), chosen).into_raw_vec_and_offset().0,
            chosen.iter().map(|&row| self.labels[row]).collect(),
            chosen.iter().map(|&row| self.times_s[row]).collect(),
            chosen.iter().map(|&row| self.groups[row]).collect(),
        )
    }

    /// A copy of the rows with only these features, in this order.
    ///
    /// # Errors
    /// [`LearnError::FeatureAbsent`].
    pub fn select(&self, names: &[&str]) -> Result<Self, LearnError> {
        let position =
            |name: &&str| self.position(name).ok_or_else(|| LearnError::FeatureAbsent((*name).to_owned()));
        let chosen = names.iter().map(position).collect::<Result<Vec<usize>, _>>()?;
        // Copied row by row, because the rows of a column `select` need not be contiguous.
        let rows = self.rows.select(Axis(1), &chosen).iter().copied().collect();
        Self::new(
            chosen.iter().map(|&feature| self.features[feature].clone()).collect(),
            rows,
            self.labels.clone(),
            self.times_s.clone(),
            self.groups.clone(),
        )
    }
}
