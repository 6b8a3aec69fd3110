//! Compares two tables column by column, on all processors.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use model::drift::{Kind, Numbers, Opinion, Pair, Verdict, Words, unjudged};

use super::{
    effective_rows::EffectiveRows,
    options::Options,
    report::{ColumnReport, Histogram, Report, SideReport, Summary},
    sides::Side,
    table::{Column, ColumnType, TableError, Values},
};

/// Evidently treats a column of whole numbers with at most this many distinct values as categories.
const WHOLE_CATEGORIES_MAX: usize = 10;
/// Threads at most: each holds one column of each side in memory.
const THREADS_MAX: usize = 8;

/// Compares two sides.
///
/// # Errors
/// [`TableError`]: columns missing on one side or of another type, nothing to compare, a file damaged.
pub(crate) fn compare(reference: &Side, current: &Side, options: &Options) -> Result<Report, TableError> {
    let columns = columns_to_compare(reference, current, &options.columns)?;
    let compared = map_columns(&columns, |_, name| compare_column(reference, current, name, options))?;
    let mut notes: Vec<String> = reference.notes.iter().chain(&current.notes).cloned().collect();
    notes.dedup();
    let left: Vec<&str> = current
        .table()
        .columns()
        .iter()
        .map(|column| column.name.as_str())
        .filter(|name| !columns.iter().any(|column| column == name))
        .collect();
    if !left.is_empty() {
        notes.push(format!("not compared: {}", left.join(", ")));
    }
    let side = |side: &Side| SideReport {
        source: side.table().path().display().to_string(),
        rows: side.len() as u64,
    };
    Ok(Report::new(side(reference), side(current), compared, notes, options))
}

/// Calls `compare` with the index and the name of every column, on several threads. The results are in the order of
/// `names`.
///
/// # Errors
/// The first error in that order.
pub(super) fn map_columns<T: Send>(
    names: &[String],
    compare: impl Fn(usize, &str) -> Result<T, TableError> + Sync,
) -> Result<Vec<T>, TableError> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<T, TableError>)>> = Mutex::new(Vec::new());
    let threads =
        std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX).min(names.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, name)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    names.get(at).map(|name| (at, name))
                } {
                    let result = compare(at, name);
                    done.lock().expect("no thread panics while it holds this").push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no thread panics while it holds this");
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Names of the columns to compare: each is on both sides, with the same type. An empty column matches any type.
fn columns_to_compare(reference: &Side, current: &Side, asked: &[String]) -> Result<Vec<String>, TableError> {
    let names = if asked.is_empty() { reference.table().comparable() } else { asked.to_vec() };
    for side in [reference, current] {
        let absent: Vec<&str> =
            names.iter().filter(|name| side.table().column(name).is_none()).map(String::as_str).collect();
        if !absent.is_empty() {
            let what = format!("it has no column {}; --columns names those to compare", absent.join(", "));
            return Err(side.table().fault(what));
        }
    }
    if names.is_empty() {
        return Err(reference.table().fault("it has no column to compare".to_owned()));
    }
    for name in &names {
        let (Some(one), Some(other)) = (reference.table().column(name), current.table().column(name)) else {
            continue;
        };
        if [one, other].iter().any(|column| column.column_type == ColumnType::Empty) {
            continue;
        }
        let words = |column: &Column| matches!(column.column_type, ColumnType::Word | ColumnType::Flag);
        if words(one) != words(other) {
            let [one, other] = [one, other].map(|column| if words(column) { "words" } else { "numbers" });
            let what =
                format!("column {name} holds {other}, in {} {one}", reference.table().path().display());
            return Err(current.table().fault(what));
        }
    }
    Ok(names)
}

fn compare_column(
    reference: &Side,
    current: &Side,
    name: &str,
    options: &Options,
) -> Result<ColumnReport, TableError> {
    let holds = |side: &Side, column_type: ColumnType| {
        side.table().column(name).is_some_and(|column| column.column_type == column_type)
    };
    let whole = |side: &Side| holds(side, ColumnType::Whole);
    let (mut reference_values, mut current_values) = (reference.read(name)?, current.read(name)?);
    // An empty column takes the type of the other side.
    if holds(reference, ColumnType::Empty) {
        reference_values = current_values.missing(reference.len());
    } else if holds(current, ColumnType::Empty) {
        current_values = reference_values.missing(current.len());
    }
    Ok(match (reference_values, current_values) {
        (Values::Numbers(before), Values::Numbers(now)) => {
            numbers(name, (reference, &before, whole(reference)), (current, &now, whole(current)), options)
        }
        (
            Values::Words { codes: before, names: reference_names },
            Values::Words { codes: now, names: current_names },
        ) => words(name, (reference, &before, &reference_names), (current, &now, &current_names), options),
        _ => {
            return Err(current
                .table()
                .fault(format!("column {name} holds something else than in the reference")));
        }
    })
}

fn numbers(
    name: &str,
    (reference_side, reference_values, reference_is_whole): (&Side, &[f64], bool),
    (current_side, current_values, current_is_whole): (&Side, &[f64], bool),
    options: &Options,
) -> ColumnReport {
    // As in pandas, a column of whole numbers with a missing value is one of floats.
    let whole = |values: &[f64], whole: bool| whole && !values.iter().any(|value| value.is_nan());
    let (reference, current) = (
        Numbers::new(reference_values.iter().copied(), whole(reference_values, reference_is_whole)),
        Numbers::new(current_values.iter().copied(), whole(current_values, current_is_whole)),
    );
    let categories = current.whole() && current.distinct(WHOLE_CATEGORIES_MAX + 1) <= WHOLE_CATEGORIES_MAX;
    let kind = if categories { Kind::Categorical } else { Kind::Numerical };
    let summaries = (
        Summary::from_numbers(reference_values, &reference),
        Summary::from_numbers(current_values, &current),
    );
    let histogram = Histogram::from_numbers(&reference, &current);
    let rows = EffectiveRows::pair(
        &EffectiveRows::from_numbers(reference_side, reference_values, &reference),
        &EffectiveRows::from_numbers(current_side, current_values, &current),
    );
    let pair = Pair::Numbers { kind, reference, current };
    judge(name, &pair, rows, summaries, histogram, options)
}

fn words(
    name: &str,
    (reference_side, reference_codes, reference_names): (&Side, &[u32], &[String]),
    (current_side, current_codes, current_names): (&Side, &[u32], &[String]),
    options: &Options,
) -> ColumnReport {
    let count = |codes: &[u32], names: &[String]| {
        let mut counts = vec![0_u64; names.len()];
        codes.iter().filter(|&&code| code != u32::MAX).for_each(|&code| counts[code as usize] += 1);
        Words::new(names.iter().cloned().zip(counts).filter(|(_, count)| *count > 0))
    };
    let (reference, current) = (count(reference_codes, reference_names), count(current_codes, current_names));
    let summaries = (
        Summary::from_words(reference_codes.len(), &reference),
        Summary::from_words(current_codes.len(), &current),
    );
    let histogram = Histogram::from_words(&reference, &current);
    // If nearly all words differ, this is free text, and shares of words are meaningless.
    let text =
        current.counts().len() as u64 > current.total() / 2 && current.counts().len() > WHOLE_CATEGORIES_MAX;
    if text {
        return ColumnReport::unjudged(name, Kind::Categorical, "text", summaries, histogram);
    }
    let rows = EffectiveRows::pair(
        &EffectiveRows::from_words(reference_side, reference_codes, reference_names, &reference),
        &EffectiveRows::from_words(current_side, current_codes, current_names, &current),
    );
    judge(name, &Pair::Words { reference, current }, rows, summaries, histogram, options)
}

fn judge(
    name: &str,
    pair: &Pair,
    rows: (f64, f64),
    summaries: (Summary, Summary),
    histogram: Histogram,
    options: &Options,
) -> ColumnReport {
    if let Some(status) = unjudged(pair.lengths()) {
        return ColumnReport::unjudged(name, pair.kind(), status, summaries, histogram);
    }
    let asked = options.method.filter(|method| method.kinds.contains(&pair.kind()));
    let threshold = options.threshold.filter(|_| asked.is_some());
    let opinion = Opinion::of(pair, rows);
    let constant = pair.distinct(2) < 2;
    match Verdict::of(pair, asked, threshold) {
        Ok(verdict) => {
            ColumnReport::judged(name, pair.kind(), verdict, constant, opinion, summaries, histogram)
        }
        Err(reason) => {
            let mut column =
                ColumnReport::unjudged(name, pair.kind(), "not_applicable", summaries, histogram);
            column.reason = Some(reason.to_string());
            column
        }
    }
}
