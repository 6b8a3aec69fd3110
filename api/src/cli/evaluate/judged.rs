//! Chooses the candidate from the flags, and the rows to judge it by: none that its training has seen.

use engine::state::LabelSettings;
use model::{
    LabelRule, ModelInfo,
    learn::{Fold, LearnError, WalkForward},
};

use super::{Arguments, Exit, Failure, failed, finished::Finished, training_span::TrainingSpan};
use crate::{
    evaluate::{Candidate, Rows, parse_time_s, time_text},
    model_file::other_event,
    training::{SPAN_KEY, runbook::RunbookFeatures},
};

/// The candidate, and how it is judged.
pub(super) struct Judged {
    pub(super) candidate: Candidate,
    /// The rows that a finished candidate is judged by; `None` for a recipe.
    pub(super) finished: Option<Finished>,
    /// The model's own threshold of an alert, a probability.
    pub(super) threshold: Option<f64>,
}

impl Judged {
    /// The folds that the candidate is judged by, and for a finished one a remark on them for the report.
    pub(super) fn folds(
        &self,
        walk: &WalkForward,
        rows: &Rows,
    ) -> Result<(Vec<Fold>, Option<String>), LearnError> {
        match &self.finished {
            Some(finished) => finished.folds(walk, rows).map(|(folds, note)| (folds, Some(note))),
            None => walk.folds(rows.dataset.times_s(), |_| true).map(|folds| (folds, None)),
        }
    }
}

/// Chooses the candidate by the flags; `info` describes the model that the collector scored the rows with.
pub(super) fn choose(
    arguments: &Arguments,
    rows: &Rows,
    kept: Option<&RunbookFeatures>,
    info: &ModelInfo,
    label: &LabelSettings,
    walk: &WalkForward,
) -> Result<Judged, Failure> {
    let flag_end_s = arguments.training_end.as_deref().map(parse_time_s).transpose();
    let flag_end_s =
        flag_end_s.map_err(|what| Failure::new(Exit::Configuration, format!("--training-end: {what}")))?;
    #[cfg(feature = "parquet")]
    if let Some(path) = &arguments.scores {
        return given_scores(path, rows, flag_end_s, arguments.share_min);
    }
    let Some(path) = &arguments.model else {
        let recipe = arguments.variant.recipe();
        let candidate = match kept {
            Some(kept) => {
                let data =
                    kept.dataset_beside(&rows.dataset, &rows.symbols).map_err(|error| failed(&error))?;
                Candidate::RecipeOn("runbook-rf", recipe, data)
            }
            None => Candidate::Recipe(recipe),
        };
        return Ok(Judged { candidate, finished: None, threshold: None });
    };
    if let Some(other_event) = other_event(info, label) {
        let message = format!("{}: {other_event}; give{}", path.display(), flags_for_event(info));
        return Err(Failure::new(Exit::Configuration, message));
    }
    let simulated = rows.symbols.iter().all(|symbol| symbol.starts_with("simulator:"));
    let end = training_end(flag_end_s, stated_end(info, simulated, label))?.ok_or_else(|| {
        let what = "the model does not say when its training ended; give --training-end";
        Failure::new(Exit::Configuration, format!("{}: {what}", path.display()))
    })?;
    // The flag's end is the careful choice, and applies to every symbol.
    let span = match flag_end_s {
        Some(_) => TrainingSpan::up_to(end),
        None => TrainingSpan::from_model(info, end, walk),
    };
    let finished = Finished::new(rows, |_| true, span).with_unanswered(&rows.unanswered);
    if finished.scored().rows == 0 {
        let message = format!(
            "{}: its training ended at {}, after all rows: it has seen the answers",
            path.display(),
            time_text(end)
        );
        return Err(Failure::new(Exit::Failed, message));
    }
    finished.require_share(path, arguments.share_min)?;
    Ok(Judged {
        candidate: Candidate::Live(format!("{} {}", info.name, info.version)),
        finished: Some(finished),
        threshold: Some(info.threshold),
    })
}

#[cfg(feature = "parquet")]
fn given_scores(
    path: &std::path::Path,
    rows: &Rows,
    flag_end_s: Option<i64>,
    share_min: f64,
) -> Result<Judged, Failure> {
    use crate::evaluate::scores::{Scores, TRAINING_END_KEY};

    let scores = Scores::read(path).map_err(|error| failed(&error))?;
    let end = training_end(flag_end_s, scores.training_end_s)?.ok_or_else(|| {
        let what =
            "nothing says when the training of its model ended: give --training-end, or the metadata key";
        Failure::new(Exit::Configuration, format!("{}: {what} {TRAINING_END_KEY}", path.display()))
    })?;
    let scores = scores.for_rows(rows, end).map_err(|error| failed(&error))?;
    let name =
        path.file_stem().map_or_else(|| "scores".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let finished = Finished::new(rows, |row| !scores[row].is_nan(), TrainingSpan::up_to(end));
    finished.require_share(path, share_min)?;
    Ok(Judged { candidate: Candidate::Scores(name, scores), finished: Some(finished), threshold: None })
}

/// The flags of `evaluate` that define the event that a model predicts, with a space before each.
fn flags_for_event(info: &ModelInfo) -> String {
    let horizon = if info.horizon_s > 0 { format!(" --horizon-s {}", info.horizon_s) } else { String::new() };
    match info.label_rule() {
        Some(LabelRule::Quantile(quantile)) => format!("{horizon} --quantile {quantile}"),
        Some(LabelRule::FixedBp(threshold)) => format!("{horizon} --threshold-bp {threshold}"),
        None => horizon,
    }
}

/// The end of training, from the flag or from what the file states; seconds since 1970.
///
/// # Errors
/// If the flag is earlier than the file: the rows between would judge a model that has seen their answers.
fn training_end(flag_end_s: Option<i64>, stated_end_s: Option<i64>) -> Result<Option<i64>, Failure> {
    match (flag_end_s, stated_end_s) {
        (Some(flag_end_s), Some(stated_end_s)) if flag_end_s < stated_end_s => {
            let message = format!(
                "--training-end {} lies before the end of training that the file itself says, {}: leave the flag out",
                time_text(flag_end_s),
                time_text(stated_end_s)
            );
            Err(Failure::new(Exit::Configuration, message))
        }
        _ => Ok(flag_end_s.or(stated_end_s)),
    }
}

/// The last second that the training has seen, from the model's provenance. A model of simulated ticks has seen none of
/// recorded ones, so its end is the least second.
fn stated_end(info: &ModelInfo, simulated: bool, label: &LabelSettings) -> Option<i64> {
    let entry =
        |key: &str| info.provenance.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    if !simulated
        && entry("data").is_some_and(|data| data.contains("simulated hours of") && !data.contains("ticks of"))
    {
        return Some(i64::MIN);
    }
    let last = match entry(SPAN_KEY) {
        Some(span) => span.split_once("..")?.1.parse::<i64>().ok()?,
        // A model of another library has it from the schema of its table.
        None => parse_time_s(entry("training end")?).ok()?,
    };
    Some(last.saturating_add(i64::from(label.horizon_s)))
}
