//! Compares a table with a model's training data, by the bins in the model's file.

use model::{
    Model,
    drift::{Bins, BinsPair, Kind, METHODS, Opinion, Verdict, method, unjudged},
    schema::FeatureName,
};

use super::{
    compare::map_columns,
    effective_rows::EffectiveRows,
    options::Options,
    report::{ColumnReport, Histogram, Report, SideReport, Summary},
    sides::Side,
    table::{CELLS_MAX, TableError, Values},
};

/// Name of the entry for the model's answers, which follows the features in the report.
const ANSWERS: &str = "(answers)";

/// Compares the features of a table, and the model's answers to its rows, with those of its training. By default the
/// population stability index over the model's own bins.
///
/// # Errors
/// [`TableError`]: the model carries no reference, the table lacks a feature, or the method needs more than bins.
pub(crate) fn compare_with_model(
    model: &Model,
    source: &str,
    current: &Side,
    options: &Options,
) -> Result<Report, TableError> {
    let fault = |what: String| current.table().fault(what);
    let Some(reference) = model.drift_reference() else {
        return Err(fault(format!("{source} carries no reference: it was not trained by stormglass train")));
    };
    let features = &model.info().features;
    let name = |feature: &FeatureName| {
        let versioned = feature.to_string();
        let here = |name: &str| current.table().column(name).is_some();
        if here(&feature.name) {
            Ok(feature.name.clone())
        } else if here(&versioned) {
            Ok(versioned)
        } else {
            Err(versioned)
        }
    };
    let names: Vec<Result<String, String>> = features.iter().map(name).collect();
    let absent: Vec<&str> = names.iter().filter_map(|name| name.as_ref().err().map(String::as_str)).collect();
    if !absent.is_empty() {
        return Err(fault(format!(
            "it has no column {}, of which {source} knows the training",
            absent.join(", ")
        )));
    }
    let names: Vec<String> = names.into_iter().flatten().collect();
    let method = options.method.unwrap_or(&method::PSI);
    if !BinsPair::METHODS.iter().any(|known| known.name == method.name) {
        let known: Vec<&str> = BinsPair::METHODS.iter().map(|method| method.name).collect();
        let what =
            format!("{} needs values, and a model carries bins; there are {}", method.name, known.join(", "));
        return Err(fault(what));
    }
    debug_assert!(METHODS.iter().any(|known| known.name == method.name));
    let judge =
        |name: &str, bins: &Bins, values: &[f64]| column(name, bins, values, current, method, options);
    let mut columns: Vec<ColumnReport> =
        map_columns(&names, |at, name| Ok(judge(name, &reference.features[at], &numbers(current, name)?)))?;
    let mut answers = judge(ANSWERS, &reference.answers, &answers(model, &names, current, CELLS_MAX)?);
    answers.counted = false;
    columns.push(answers);
    let mut notes = current.notes.clone();
    notes.push(format!(
        "the reference is what {} {} saw in training, in its own bins; {ANSWERS} are its answers and no column",
        model.info().name,
        model.info().version
    ));
    notes.push(
        "rows of the training that count are not known: as many of it are taken to count as here".to_owned(),
    );
    let trained = SideReport { source: source.to_owned(), rows: reference.rows };
    let compared =
        SideReport { source: current.table().path().display().to_string(), rows: current.len() as u64 };
    Ok(Report::new(trained, compared, columns, notes, options))
}

fn numbers(side: &Side, name: &str) -> Result<Vec<f64>, TableError> {
    match side.read(name)? {
        Values::Numbers(values) => Ok(values),
        Values::Words { .. } => Err(side.table().fault(format!("column {name} holds words"))),
    }
}

/// The model's answers, in the order of time. They need all features of a row at once, so rows are scored in parts of
/// at most `cells_max` cells, and every part reads its columns again.
fn answers(model: &Model, names: &[String], side: &Side, cells_max: usize) -> Result<Vec<f64>, TableError> {
    let part_rows = (cells_max / names.len().max(1)).max(1);
    let mut row_answers = vec![0.0; model.answer_count()];
    let mut row = vec![0.0; names.len()];
    let mut answers = Vec::with_capacity(side.len());
    for first in (0..side.len()).step_by(part_rows) {
        let part = side.part(first..side.len().min(first + part_rows));
        let values = map_columns(names, |_, name| numbers(&part, name))?;
        for at in 0..part.len() {
            row.iter_mut().zip(&values).for_each(|(cell, values)| *cell = values[at]);
            model.predict_batch(&row, &mut row_answers);
            answers.push(row_answers[0]);
        }
    }
    Ok(answers)
}

fn column(
    name: &str,
    bins: &Bins,
    values: &[f64],
    side: &Side,
    method: &'static model::drift::Method,
    options: &Options,
) -> ColumnReport {
    let pair = BinsPair::new(bins, values.iter().copied());
    let current = model::drift::Numbers::new(values.iter().copied(), false);
    let summaries = (Summary::from_bins(bins), Summary::from_numbers(values, &current));
    let histogram = Histogram::from_bins(&pair);
    let lengths = pair.lengths();
    let Some(score) = pair.score(method).filter(|_| unjudged(lengths).is_none()) else {
        let status = unjudged(lengths).unwrap_or("not_applicable");
        return ColumnReport::unjudged(name, Kind::Numerical, status, summaries, histogram);
    };
    let effective = EffectiveRows::from_numbers(side, values, &current);
    let rows = (lengths.0 as f64 * effective.share(), effective.count);
    let opinion = Opinion::of_bins(&pair.frequencies(), rows);
    let verdict = Verdict::by(method, score, options.threshold);
    ColumnReport::judged(name, Kind::Numerical, verdict, false, opinion, summaries, histogram)
}

#[cfg(test)]
mod tests;
