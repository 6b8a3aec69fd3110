//! A table against what a model saw in training: the bins that its file carries.

use model::{
    Model,
    drift::{Bins, BinsPair, Kind, METHODS, Opinion, Verdict, effective_rows, method, unjudged},
    schema::FeatureName,
};

use super::{
    compare::{Options, each},
    report::{ColumnReport, Histogram, Report, SideReport, Summary},
    sides::Side,
    table::{TableError, Values},
};

/// The name under which answers stand beside the features.
const ANSWERS: &str = "(answers)";

/// Compares the features of a table, and the model's answers to its rows, with those of its training. By default the
/// population stability index over the model's own bins.
///
/// # Errors
/// [`TableError`]: the model carries no reference, the table lacks a feature, or the method needs more than bins.
pub fn compare_with_model(
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
    let values = each(&names, |name| match current.read(name)? {
        Values::Numbers(values) => Ok(values),
        Values::Words { .. } => Err(fault(format!("column {name} holds words"))),
    })?;
    let judge =
        |name: &str, bins: &Bins, values: &[f64]| column(name, bins, values, current, method, options);
    let mut columns: Vec<ColumnReport> = names
        .iter()
        .zip(&reference.features)
        .zip(&values)
        .map(|((name, bins), values)| judge(name, bins, values))
        .collect();
    let mut scores = vec![0.0; model.raw_count()];
    let mut row = vec![0.0; features.len()];
    let answers: Vec<f64> = (0..current.len())
        .map(|at| {
            row.iter_mut().zip(&values).for_each(|(cell, values)| *cell = values[at]);
            model.answers(&row, &mut scores)[0]
        })
        .collect();
    let mut answers = judge(ANSWERS, &reference.answers, &answers);
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
    let was = SideReport { source: source.to_owned(), rows: reference.rows };
    let is = SideReport { source: current.table().path().display().to_string(), rows: current.len() as u64 };
    Ok(Report::new(was, is, columns, notes, options))
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
    let summaries = (Summary::of_bins(bins), Summary::of_numbers(values, &current));
    let histogram = Histogram::of_bins(&pair);
    let lengths = pair.lengths();
    let Some(score) = pair.score(method).filter(|_| unjudged(lengths).is_none()) else {
        let status = unjudged(lengths).unwrap_or("not_applicable");
        return ColumnReport::unjudged(name, Kind::Numerical, status, summaries, histogram);
    };
    let rows = effective_rows(values, side.groups(), current.quantile(0.5));
    let share = rows / lengths.1 as f64;
    let opinion = Opinion::of_bins(&pair.frequencies(), (lengths.0 as f64 * share, rows));
    let verdict = Verdict::by(method, score, options.threshold);
    ColumnReport::judged(name, Kind::Numerical, verdict, false, opinion, summaries, histogram)
}
