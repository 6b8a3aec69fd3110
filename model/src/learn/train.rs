//! The entry points of training.

use super::{
    boost::Trainer,
    dataset::Dataset,
    error::LearnError,
    forust::ForustTrainer,
    held_out::HeldOut,
    options::TrainOptions,
    recipe::{Fitted, Recipe},
    reference::with_references,
};
use crate::{draft::ModelDraft, evaluation, info::ModelInfo};

/// Number of self-test rows in the file.
const SELF_TEST_ROWS: usize = 32;

/// Trains a model by this recipe on all rows.
///
/// The draft's metrics are those of the later part of the rows, walking forward: each row was scored by members that
/// were fitted on earlier rows only. They are left out if there are too few rows for that.
///
/// # Errors
/// [`LearnError`].
pub fn train(data: &Dataset, options: &TrainOptions, recipe: Recipe) -> Result<ModelDraft, LearnError> {
    train_with(data, options, recipe, &ForustTrainer)
}

/// Trains the model of [`train`] without its metrics, at a third of the cost, for callers that evaluate it on rows of
/// their own.
///
/// # Errors
/// [`LearnError`].
pub fn train_unmeasured(
    data: &Dataset,
    options: &TrainOptions,
    recipe: Recipe,
) -> Result<ModelDraft, LearnError> {
    learn(data, options, recipe, &ForustTrainer, false)
}

/// Trains the default model, variant `ml`: the average, in log-odds, of a logistic regression and boosted trees.
///
/// # Errors
/// [`LearnError`].
pub fn train_default(data: &Dataset, options: &TrainOptions) -> Result<ModelDraft, LearnError> {
    train(data, options, Recipe::Average)
}

/// Trains the baseline, variant `baseline`: HAR-logit.
///
/// # Errors
/// [`LearnError`], including [`LearnError::FeatureAbsent`].
pub fn train_baseline(data: &Dataset, options: &TrainOptions) -> Result<ModelDraft, LearnError> {
    train(data, options, Recipe::HarLogit)
}

/// Trains a model by this recipe, with boosted trees from `trainer`.
///
/// # Errors
/// [`LearnError`].
pub fn train_with(
    data: &Dataset,
    options: &TrainOptions,
    recipe: Recipe,
    trainer: &dyn Trainer,
) -> Result<ModelDraft, LearnError> {
    learn(data, options, recipe, trainer, true)
}

fn learn(
    data: &Dataset,
    options: &TrainOptions,
    recipe: Recipe,
    trainer: &dyn Trainer,
    measured: bool,
) -> Result<ModelDraft, LearnError> {
    options.check()?;
    let selected = recipe.features(data)?;
    let data = selected.as_ref().unwrap_or(data);
    let rows: Vec<usize> = (0..data.len()).collect();
    data.enough("training rows", &rows)?;
    let Fitted { members, trainers } = recipe.fit(data, &rows, options, trainer)?;

    let mut info =
        ModelInfo::new(&options.name, &options.version, recipe.variant(), data.features().to_vec());
    info.horizon_s = options.horizon_s;
    info.label_quantile = options.label_quantile;
    info.tau_bp = options.tau_bp;
    info.threshold = options.threshold();
    let held_out = measured.then(|| HeldOut::score(data, options, recipe, trainer, &info)).transpose();
    let held_out = match held_out {
        // With too few rows to hold some out, the model is the same but has no metrics.
        Err(LearnError::TooLittle { .. }) => None,
        held_out => held_out?,
    };
    info.metrics = held_out.as_ref().map_or_else(Vec::new, measure);
    info.provenance = provenance(data, options, &trainers, held_out.as_ref());
    let draft = recipe.draft(info, members)?.with_self_test(self_test_rows(data));
    Ok(with_references(draft, data, &rows)?)
}

fn measure(HeldOut { labels, probabilities, .. }: &HeldOut) -> Vec<(String, f64)> {
    let average_precision = evaluation::average_precision(labels, probabilities);
    [
        ("base_rate", evaluation::base_rate(labels)),
        ("average_precision", average_precision.expect("held-out rows have both outcomes")),
        ("brier", evaluation::brier(labels, probabilities)),
        ("brier_skill", evaluation::brier_skill(labels, probabilities)),
        ("ece", evaluation::expected_calibration_error(labels, probabilities)),
        ("log_loss", evaluation::log_loss(labels, probabilities)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn provenance(
    data: &Dataset,
    options: &TrainOptions,
    trainers: &str,
    held_out: Option<&HeldOut>,
) -> Vec<(String, String)> {
    let (first_s, last_s) = data
        .times_s()
        .iter()
        .fold((i64::MAX, i64::MIN), |(low, high), &time| (low.min(time), high.max(time)));
    let mut symbols = data.groups().to_vec();
    symbols.sort_unstable();
    symbols.dedup();
    let mut added = vec![
        ("trainer", trainers.to_owned()),
        ("seed", options.seed.to_string()),
        ("rows", data.len().to_string()),
        ("symbols", symbols.len().to_string()),
        ("event_time_s", format!("{first_s}..{last_s}")),
        ("cost_false_alarm", options.cost_false_alarm.to_string()),
        ("cost_missed_spike", options.cost_missed_spike.to_string()),
        (
            "calibration",
            "none: members fitted on all rows, for a proper loss and the natural share of spikes".to_owned(),
        ),
    ];
    if let Some(HeldOut { labels, from_s, .. }) = held_out {
        added.extend([
            ("held_out_rows", labels.len().to_string()),
            ("held_out_from_s", from_s.to_string()),
            ("purge_s", (u64::from(options.horizon_s) + u64::from(options.embargo_s)).to_string()),
            ("metrics_on", "held-out rows, each scored by members fitted on earlier rows alone".to_owned()),
        ]);
    }
    let added = added.into_iter().map(|(key, value)| (key.to_owned(), value));
    options.provenance.iter().cloned().chain(added).collect()
}

/// Rows from all over the data, then copies of a few with values missing, and one with all values missing.
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
