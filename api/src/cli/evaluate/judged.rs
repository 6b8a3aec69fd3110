//! What is judged, and on which rows: none that its training has seen.

use engine::state::LabelSettings;
use model::{
    LabelRule, ModelInfo,
    learn::{Fold, LearnError, WalkForward},
};

use super::{Arguments, Exit, Failure, failed, finished::Finished, seen::Seen};
use crate::{
    evaluate::{Candidate, Rows, seconds, time_text},
    model_file::other_event,
    training::{SPAN_KEY, runbook::Kept},
};

/// What is judged, and on which rows.
pub(super) struct Judged {
    pub(super) candidate: Candidate,
    /// Which rows it is judged by; `None` for a recipe.
    pub(super) finished: Option<Finished>,
    /// Its own threshold of an alert.
    pub(super) threshold: Option<f64>,
}

impl Judged {
    /// The parts it is judged by, and for something finished what a reader must know of them.
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

/// From the flags; `info` is that of the model they name.
pub(super) fn judged(
    arguments: &Arguments,
    rows: &Rows,
    kept: Option<&Kept>,
    info: &ModelInfo,
    label: &LabelSettings,
    walk: &WalkForward,
) -> Result<Judged, Failure> {
    let told = arguments.training_end.as_deref().map(seconds).transpose();
    let told = told.map_err(|what| Failure::new(Exit::Configuration, format!("--training-end: {what}")))?;
    #[cfg(feature = "parquet")]
    if let Some(path) = &arguments.scores {
        return of_scores(path, rows, told, arguments.share_min);
    }
    let Some(path) = &arguments.model else {
        let recipe = arguments.variant.recipe();
        let candidate = match kept {
            Some(kept) => {
                let data = kept.beside(&rows.dataset, &rows.symbols).map_err(|error| failed(&error))?;
                Candidate::RecipeOn("runbook-rf", recipe, data)
            }
            None => Candidate::Recipe(recipe),
        };
        return Ok(Judged { candidate, finished: None, threshold: None });
    };
    if let Some(other_event) = other_event(info, label) {
        let message = format!("{}: {other_event}; give{}", path.display(), flags_of(info));
        return Err(Failure::new(Exit::Configuration, message));
    }
    let simulated = rows.symbols.iter().all(|symbol| symbol.starts_with("simulator:"));
    let end = training_end(told, said_end(info, simulated, label))?.ok_or_else(|| {
        let what = "the model does not say when its training ended; give --training-end";
        Failure::new(Exit::Configuration, format!("{}: {what}", path.display()))
    })?;
    // A told end is the careful one, and holds for every symbol.
    let seen = match told {
        Some(_) => Seen::until(end),
        None => Seen::of_model(info, end, walk),
    };
    let finished = Finished::new(rows, |_| true, seen).with_unanswered(&rows.unanswered);
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
fn of_scores(
    path: &std::path::Path,
    rows: &Rows,
    told: Option<i64>,
    share_min: f64,
) -> Result<Judged, Failure> {
    use crate::evaluate::scores::{Scores, TRAINING_END_KEY};

    let scores = Scores::read(path).map_err(|error| failed(&error))?;
    let end = training_end(told, scores.training_end_s)?.ok_or_else(|| {
        let what =
            "nothing says when the training of its model ended: give --training-end, or the metadata key";
        Failure::new(Exit::Configuration, format!("{}: {what} {TRAINING_END_KEY}", path.display()))
    })?;
    let scores = scores.of(rows, end).map_err(|error| failed(&error))?;
    let name =
        path.file_stem().map_or_else(|| "scores".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let finished = Finished::new(rows, |row| !scores[row].is_nan(), Seen::until(end));
    finished.require_share(path, share_min)?;
    Ok(Judged { candidate: Candidate::Scores(name, scores), finished: Some(finished), threshold: None })
}

/// The flags that ask for the event that a model predicts.
fn flags_of(info: &ModelInfo) -> String {
    let horizon = if info.horizon_s > 0 { format!(" --horizon-s {}", info.horizon_s) } else { String::new() };
    match info.label_rule() {
        Some(LabelRule::Quantile(quantile)) => format!("{horizon} --quantile {quantile}"),
        Some(LabelRule::FixedBp(threshold)) => format!("{horizon} --threshold-bp {threshold}"),
        None => horizon,
    }
}

/// The end of training from what the flag told and the file says. A flag cannot make a file's training end earlier:
/// the rows between would be judged by a model that has seen their answers.
fn training_end(told: Option<i64>, said: Option<i64>) -> Result<Option<i64>, Failure> {
    match (told, said) {
        (Some(told), Some(said)) if told < said => {
            let message = format!(
                "--training-end {} lies before the end of training that the file itself says, {}: leave the flag out",
                time_text(told),
                time_text(said)
            );
            Err(Failure::new(Exit::Configuration, message))
        }
        _ => Ok(told.or(said)),
    }
}

/// The last second that the training has seen, from what the model says of itself. A simulated market's clock says
/// nothing about real ticks: such a model has seen none of them.
fn said_end(info: &ModelInfo, simulated: bool, label: &LabelSettings) -> Option<i64> {
    let said =
        |key: &str| info.provenance.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    if !simulated
        && said("data").is_some_and(|data| data.contains("simulated hours of") && !data.contains("ticks of"))
    {
        return Some(i64::MIN);
    }
    let last = match said(SPAN_KEY) {
        Some(span) => span.split_once("..")?.1.parse::<i64>().ok()?,
        // Of a model of another library, from the schema of its table.
        None => seconds(said("training end")?).ok()?,
    };
    Some(last.saturating_add(i64::from(label.horizon_s)))
}
