//! The entry points.

use super::{
    boost::Trainer,
    dataset::Dataset,
    error::LearnError,
    forust::ForustTrainer,
    options::TrainOptions,
    platt::fit_platt,
    recipe::{Fitted, Recipe},
    reference::with_references,
    split::{TimeSplit, split_by_time},
};
use crate::{draft::ModelDraft, info::ModelInfo, metrics};

/// Rows the file carries for its self-test.
const SELF_TEST_ROWS: usize = 32;

/// A model by this recipe.
///
/// Metrics in the draft are those of the calibration rows: the members have not seen them, the two numbers of the
/// calibration have.
///
/// # Errors
/// [`LearnError`].
pub fn train(data: &Dataset, options: &TrainOptions, recipe: Recipe) -> Result<ModelDraft, LearnError> {
    train_with(data, options, recipe, &ForustTrainer)
}

/// The default model, variant `ml`: the average, in log-odds, of a logistic regression and boosted trees, calibrated.
///
/// # Errors
/// [`LearnError`].
pub fn train_default(data: &Dataset, options: &TrainOptions) -> Result<ModelDraft, LearnError> {
    train(data, options, Recipe::Average)
}

/// The baseline, variant `baseline`: HAR-logit.
///
/// # Errors
/// [`LearnError`], [`LearnError::FeatureAbsent`] among them.
pub fn train_baseline(data: &Dataset, options: &TrainOptions) -> Result<ModelDraft, LearnError> {
    train(data, options, Recipe::HarLogit)
}

/// A model by this recipe, with boosted trees from `trainer`.
///
/// # Errors
/// [`LearnError`].
pub fn train_with(
    data: &Dataset,
    options: &TrainOptions,
    recipe: Recipe,
    trainer: &dyn Trainer,
) -> Result<ModelDraft, LearnError> {
    options.check()?;
    let selected = recipe.features(data)?;
    let data = selected.as_ref().unwrap_or(data);
    let split = split_by_time(data, options.calibration_share, options.horizon_s, options.embargo_s)?;
    let fitted = recipe.fit(data, &split.fit, options, trainer)?;
    finish(data, options, &split, recipe, fitted)
}

/// Calibrates, measures and describes what the members are.
fn finish(
    data: &Dataset,
    options: &TrainOptions,
    split: &TimeSplit,
    recipe: Recipe,
    Fitted { members, trainers }: Fitted,
) -> Result<ModelDraft, LearnError> {
    let mut info =
        ModelInfo::new(&options.name, &options.version, recipe.variant(), data.features().to_vec());
    info.horizon_s = options.horizon_s;
    info.label_quantile = options.label_quantile;
    info.tau_bp = options.tau_bp;
    info.threshold = options.threshold();
    let raw = ModelDraft::new(info.clone(), members)?;

    let labels: Vec<bool> = split.calibration.iter().map(|&row| data.labels()[row]).collect();
    let scores: Vec<f64> =
        split.calibration.iter().map(|&row| raw.score_row(data.row(row)).log_odds).collect();
    info.calibration = fit_platt(&labels, &scores)?;
    if info.calibration.is_none() && recipe.needs_calibration() {
        return Err(LearnError::NotCalibrated);
    }
    info.provenance = provenance(data, options, split, &trainers, info.calibration.is_some());
    let members = raw.members().to_vec();
    let calibrated = ModelDraft::new(info.clone(), members.clone())?;
    let probabilities: Vec<f64> =
        split.calibration.iter().map(|&row| calibrated.score_row(data.row(row)).probability).collect();
    info.metrics = measure(&labels, &probabilities);
    let draft = ModelDraft::new(info, members)?.with_self_test(self_test_rows(data));
    Ok(with_references(draft, data, &split.fit)?)
}

fn measure(labels: &[bool], probabilities: &[f64]) -> Vec<(String, f64)> {
    [
        ("base_rate", metrics::base_rate(labels)),
        ("average_precision", metrics::average_precision(labels, probabilities)),
        ("brier", metrics::brier(labels, probabilities)),
        ("brier_skill", metrics::brier_skill(labels, probabilities)),
        ("ece", metrics::expected_calibration_error(labels, probabilities)),
        ("log_loss", metrics::log_loss(labels, probabilities)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn provenance(
    data: &Dataset,
    options: &TrainOptions,
    split: &TimeSplit,
    trainers: &str,
    calibrated: bool,
) -> Vec<(String, String)> {
    let (first_s, last_s) = data
        .times_s()
        .iter()
        .fold((i64::MAX, i64::MIN), |(low, high), &time| (low.min(time), high.max(time)));
    let mut symbols = data.groups().to_vec();
    symbols.sort_unstable();
    symbols.dedup();
    let added = [
        ("trainer", trainers.to_owned()),
        ("seed", options.seed.to_string()),
        ("rows", data.len().to_string()),
        ("symbols", symbols.len().to_string()),
        ("event_time_s", format!("{first_s}..{last_s}")),
        ("fit_rows", split.fit.len().to_string()),
        ("calibration_rows", split.calibration.len().to_string()),
        ("calibration_from_s", split.cut_s.to_string()),
        ("cost_false_alarm", options.cost_false_alarm.to_string()),
        ("cost_missed_spike", options.cost_missed_spike.to_string()),
        ("purge_s", (u64::from(options.horizon_s) + u64::from(options.embargo_s)).to_string()),
        ("calibration", if calibrated { "platt" } else { "none: the slope was not above 0" }.to_owned()),
        ("metrics_on", "calibration rows, unseen by the members".to_owned()),
    ];
    let added = added.map(|(key, value)| (key.to_owned(), value));
    options.provenance.iter().cloned().chain(added).collect()
}

/// Rows from all over the data, then a few of them with values missing, and one with all of them missing.
fn self_test_rows(data: &Dataset) -> Vec<f32> {
    let width = data.features().len();
    let mut rows = Vec::with_capacity(SELF_TEST_ROWS * width);
    for number in 0..SELF_TEST_ROWS {
        let row = data.row(number * (data.len() - 1) / (SELF_TEST_ROWS - 1));
        match number % 8 {
            7 if number == SELF_TEST_ROWS - 1 => rows.extend(std::iter::repeat_n(f32::NAN, width)),
            7 => rows.extend(
                row.iter()
                    .enumerate()
                    .map(|(place, &value)| if place % 3 == number % 3 { f32::NAN } else { value }),
            ),
            _ => rows.extend(row),
        }
    }
    rows
}
