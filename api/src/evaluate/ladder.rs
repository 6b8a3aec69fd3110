//! The ladder: the judged candidate, and the simple scores that it must beat, all on the same rows.

use std::convert::identity;

use model::{
    Model, ModelDraft,
    learn::{self, Dataset, Fold, LearnError, Recipe, TrainOptions, fit_platt},
    sigmoid,
};

use super::rows::Rows;

/// Replaces a missing log ratio: the calmest value that features can have.
const CALM: f64 = -7.0;

/// Number of features in the composite of the replaced system's runbook. Their nearest forms here are the volatility of
/// 60 and 300 s, the size of the 300-s return, the spread and the number of trades.
const COMPOSITE_WIDTH: usize = 5;

/// The candidate to judge.
#[derive(Clone, Debug)]
pub enum Candidate {
    /// A recipe that is trained in every fold.
    Recipe(Recipe),
    /// A named recipe that is trained in every fold, from other features of the same rows.
    RecipeOn(&'static str, Recipe, Dataset),
    /// The model that scored the rows as they were collected, by its name.
    Live(String),
    /// Given scores under a name: one for each row, NaN where there is none.
    Scores(String, Vec<f64>),
}

/// One rung: a score of each test row.
#[derive(Clone, Debug)]
pub struct Rung {
    /// Name of the rung, as `persistence`.
    pub name: String,
    /// The score that ranks rows; a higher one means that a spike is more likely.
    pub ranking: Vec<f64>,
    /// The calibrated probability; `None` for a score that cannot be calibrated.
    pub probability: Option<Vec<f64>>,
}

/// All rungs, from the simplest to the candidate. In a simulated market, an oracle follows the candidate.
#[derive(Debug)]
pub struct Ladder {
    /// Indices of the test rows, in the order of the scores.
    pub tested: Vec<usize>,
    /// The rungs, the simplest first.
    pub rungs: Vec<Rung>,
    /// Index of the candidate among the rungs.
    pub judged: usize,
    /// Remarks, such as which rung was left out and why.
    pub notes: Vec<String>,
}

impl Ladder {
    /// Trains the rungs in every fold and scores its test rows. `progress` is called with the number of folds in which
    /// the candidate has been trained.
    ///
    /// # Errors
    /// [`LearnError`] if the candidate cannot be trained.
    pub fn build(
        rows: &Rows,
        folds: &[Fold],
        options: &TrainOptions,
        candidate: &Candidate,
        mut progress: impl FnMut(usize),
    ) -> Result<Self, LearnError> {
        let tested: Vec<usize> = folds.iter().flat_map(|fold| fold.test().iter().copied()).collect();
        let mut notes = Vec::new();
        let mut rungs = vec![
            unlearned_rung("persistence", rows, folds, log_ratio, |_, row| rows.persistence[row])?,
            unlearned_rung("EWMA 30 s", rows, folds, identity, |_, row| {
                or_calm(rows.feature(row, "lew30_tau"))
            })?,
        ];
        let composites: Vec<Composite> =
            folds.iter().map(|fold| Composite::new(rows, fold.train())).collect();
        rungs.push(unlearned_rung("z-score composite", rows, folds, identity, |fold, row| {
            composites[fold].score(rows, row)
        })?);
        let data = &rows.dataset;
        match learned_rung("HAR-logit", data, folds, options, Recipe::HarLogit, |_| ()) {
            Ok(rung) => rungs.push(rung),
            Err(error @ LearnError::TooLittle { .. }) => {
                notes.push(format!("HAR-logit is left out: {error}"))
            }
            Err(error) => return Err(error),
        }
        let of_tested = |values: &[f64]| tested.iter().map(|&row| values[row]).collect::<Vec<f64>>();
        let mut given = |name: &str, scores: Vec<f64>| {
            let outside = scores.iter().filter(|score| !(0.0..=1.0).contains(*score)).count();
            if outside > 0 {
                notes.push(format!(
                    "{outside} of {} scores of {name} lie outside 0 to 1: they rank rows, but are no probabilities, and have \
                     no Brier score, calibration error, alerts or cost",
                    scores.len()
                ));
            }
            let probability = (outside == 0).then(|| scores.clone());
            Rung { name: name.to_owned(), ranking: scores, probability }
        };
        rungs.push(match candidate {
            Candidate::Recipe(recipe) => {
                learned_rung(recipe_name(*recipe), data, folds, options, *recipe, &mut progress)?
            }
            Candidate::RecipeOn(name, recipe, other) => {
                learned_rung(name, other, folds, options, *recipe, &mut progress)?
            }
            Candidate::Live(name) => given(name, of_tested(&rows.live)),
            Candidate::Scores(name, scores) => given(name, of_tested(scores)),
        });
        let judged = rungs.len() - 1;
        if let Some(latent) = &rows.latent {
            let ranking = tested.iter().map(|&row| latent[row] / rows.tau[row]).collect();
            let name = "oracle of the present volatility".to_owned();
            rungs.push(Rung { name, ranking, probability: None });
        }
        Ok(Self { tested, rungs, judged, notes })
    }
}

/// Name of a recipe in reports.
fn recipe_name(recipe: Recipe) -> &'static str {
    match recipe {
        Recipe::Average => "logistic + boosted trees",
        Recipe::Logistic => "logistic",
        Recipe::Boosted => "boosted trees",
        Recipe::Forest => "random forest",
        Recipe::HarLogit => "HAR-logit",
    }
}

fn or_calm(value: f64) -> f64 {
    if value.is_nan() { CALM } else { value }
}

/// The logarithm of a ratio of volatilities, which a line can calibrate; [`CALM`] for a ratio of 0.
fn log_ratio(ratio: f64) -> f64 {
    ratio.ln().max(CALM)
}

/// A rung whose score needs no training. Its probability is the sigmoid of a line over `scale(score)`, which is fitted
/// to the training rows of each fold. `score` takes the number of the fold and the row.
fn unlearned_rung(
    name: &str,
    rows: &Rows,
    folds: &[Fold],
    scale: fn(f64) -> f64,
    score: impl Fn(usize, usize) -> f64,
) -> Result<Rung, LearnError> {
    let (mut ranking, mut probability) = (Vec::new(), Some(Vec::new()));
    for (number, fold) in folds.iter().enumerate() {
        let labels: Vec<bool> = fold.train().iter().map(|&row| rows.dataset.labels()[row]).collect();
        let raw: Vec<f64> = fold.train().iter().map(|&row| scale(score(number, row))).collect();
        let line = if raw.is_empty() { None } else { fit_platt(&labels, &raw)? };
        let scores = fold.test().iter().map(|&row| score(number, row));
        ranking.extend(scores.clone());
        probability = line.zip(probability).map(|(line, mut probability)| {
            probability.extend(scores.map(|score| sigmoid(line.a * scale(score) + line.b)));
            probability
        });
    }
    Ok(Rung { name: name.to_owned(), ranking, probability })
}

/// A rung that a recipe trains on the training rows of each fold. Folds with the same training rows share a model.
fn learned_rung(
    name: &str,
    data: &Dataset,
    folds: &[Fold],
    options: &TrainOptions,
    recipe: Recipe,
    mut progress: impl FnMut(usize),
) -> Result<Rung, LearnError> {
    let mut probability = Vec::new();
    let mut newest: Option<(&[usize], ModelDraft)> = None;
    for (number, fold) in folds.iter().enumerate() {
        if fold.train().is_empty() {
            return Err(LearnError::TooLittle {
                part: "training rows of a fold",
                rows: 0,
                spikes: 0,
                needed: 1,
            });
        }
        let draft = match newest {
            Some((train, draft)) if train == fold.train() => draft,
            _ => learn::train_unmeasured(&data.rows(fold.train())?, options, recipe)?,
        };
        probability.extend(probabilities(&draft, data, fold.test())?);
        newest = Some((fold.train(), draft));
        progress(number + 1);
    }
    Ok(Rung { name: name.to_owned(), ranking: probability.clone(), probability: Some(probability) })
}

/// The probabilities that a model gives these rows.
fn probabilities(draft: &ModelDraft, data: &Dataset, rows: &[usize]) -> Result<Vec<f64>, LearnError> {
    let model = Model::from_bytes(&draft.to_bytes()?).expect("a draft's own bytes are a model");
    let features = &model.info().features;
    let names: Vec<&str> = features.iter().map(|feature| feature.name.as_str()).collect();
    let places: Vec<usize> = names.iter().filter_map(|name| data.position(name)).collect();
    let mut values = vec![0.0; places.len()];
    let score = |&row: &usize| {
        for (value, &place) in values.iter_mut().zip(&places) {
            *value = data.row(row)[place];
        }
        model.predict(&values)
    };
    Ok(rows.iter().map(score).collect())
}

/// The baseline in the replaced system's runbook: the mean of the standardised features that are not missing.
struct Composite {
    mean_and_deviation: [(f64, f64); COMPOSITE_WIDTH],
}

impl Composite {
    fn new(rows: &Rows, train: &[usize]) -> Self {
        let mean_and_deviation = std::array::from_fn(|place| {
            let values =
                train.iter().map(|&row| composite_values(rows, row)[place]).filter(|value| value.is_finite());
            let (count, sum, squares) = values.fold((0.0, 0.0, 0.0), |(count, sum, squares), value| {
                (count + 1.0, sum + value, squares + value * value)
            });
            let mean: f64 = sum / f64::max(count, 1.0);
            (mean, (squares / f64::max(count, 1.0) - mean * mean).max(0.0).sqrt())
        });
        Self { mean_and_deviation }
    }

    fn score(&self, rows: &Rows, row: usize) -> f64 {
        let scores = composite_values(rows, row).into_iter().zip(self.mean_and_deviation);
        let (mut sum, mut count) = (0.0, 0.0);
        for (value, (mean, deviation)) in scores {
            if value.is_finite() && deviation > 0.0 {
                sum += (value - mean) / deviation;
                count += 1.0;
            }
        }
        if count > 0.0 { sum / count } else { 0.0 }
    }
}

fn composite_values(rows: &Rows, row: usize) -> [f64; COMPOSITE_WIDTH] {
    let level = rows.tau[row].ln();
    let feature = |name| rows.feature(row, name);
    [
        feature("lv60_tau") + level,
        feature("lv300_tau") + level,
        feature("az300"),
        feature("spr_bp60"),
        feature("ntr60"),
    ]
}
