//! Compares the average precision that a random split of rows would claim with the honest one. The replaced system made
//! the mistake of splitting at random.

use model::{
    evaluation::{average_precision, base_rate},
    learn::{BoostOptions, Dataset, Fold, ForustForest, LearnError, random_halves},
};
use serde::Serialize;

/// Average precision of the same kind of forest under the two splits.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Leakage {
    /// Kind of the forest, in words.
    pub model: String,
    /// Average precision on rows that were drawn at random from among the training rows.
    pub random_split: Option<f64>,
    /// Average precision when walking forward in time.
    pub walk_forward: Option<f64>,
    /// Share of spikes among the test rows of the walk.
    pub base_rate: f64,
}

/// Grows a deep forest, as such systems use, under both splits.
///
/// # Errors
/// [`LearnError`] when it cannot be grown.
pub(crate) fn demonstrate(data: &Dataset, folds: &[Fold], seed: u64) -> Result<Leakage, LearnError> {
    let options = BoostOptions {
        trees: 20,
        leaves_max: 2048,
        depth_max: 40,
        leaf_weight_min: 1.0,
        row_share: 0.632,
        feature_share: 0.34,
        l2: 0.0,
        seed,
        ..BoostOptions::default()
    };
    let scores = |train: &[usize], test: &[usize]| {
        let forest = ForustForest.fit(data, train, &options)?;
        Ok::<Vec<f64>, LearnError>(test.iter().map(|&row| forest.score(data.row(row))).collect())
    };
    let labels = |rows: &[usize]| rows.iter().map(|&row| data.labels()[row]).collect::<Vec<bool>>();
    let (train, test) = random_halves(data, seed);
    let random_split = average_precision(&labels(&test), &scores(&train, &test)?);
    let (mut tested, mut honest) = (Vec::new(), Vec::new());
    for fold in folds {
        honest.extend(scores(fold.train(), fold.test())?);
        tested.extend(labels(fold.test()));
    }
    Ok(Leakage {
        model: "random forest of 20 deep trees".to_owned(),
        random_split,
        walk_forward: average_precision(&tested, &honest),
        base_rate: base_rate(&tested),
    })
}
