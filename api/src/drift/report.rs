//! The report of a comparison, with its writers: JSON, text, HTML.

mod column;
mod histogram;
mod html;
mod json;
mod text;

use model::drift::{dataset_drifts, false_discovery_rates};
use serde::Serialize;

pub(crate) use column::{ColumnReport, SecondOpinion, Summary};
pub(crate) use histogram::Histogram;
pub(crate) use html::html;
pub(crate) use json::json;
pub(crate) use text::text;

use super::options::Options;

/// Least change of the share of missing values that a report notes.
pub(crate) const MISSING_CHANGE_MIN: f64 = 0.05;

/// One of the two sides of a comparison.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SideReport {
    /// Path of the table, or of the model.
    pub source: String,
    pub rows: u64,
}

/// The result of a comparison.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Version of this document. New keys may be added without a new version.
    pub format: u32,
    /// The side that is compared with.
    pub reference: SideReport,
    /// The side that is judged.
    pub current: SideReport,
    /// Whether the table as a whole has drifted: `share_of_drifted_columns` is at least `drift_share`.
    pub drift: bool,
    /// Least share of drifted columns at which the table has drifted.
    pub drift_share: f64,
    /// Columns that could be judged.
    pub judged_columns: usize,
    /// Columns of these that drifted.
    pub drifted_columns: usize,
    /// Share of the judged columns that drifted; 0 if none could be judged.
    pub share_of_drifted_columns: f64,
    /// Greatest false discovery rate at which the second opinion calls a column shifted.
    pub false_discoveries: f64,
    /// Columns that the second opinion calls shifted.
    pub shifted_columns: usize,
    pub columns: Vec<ColumnReport>,
    /// Remarks, such as which columns were not compared or not judged.
    pub notes: Vec<String>,
}

impl Report {
    /// Counts the columns, and completes their second opinions, which depend on all p-values together.
    pub(crate) fn new(
        reference: SideReport,
        current: SideReport,
        mut columns: Vec<ColumnReport>,
        mut notes: Vec<String>,
        options: &Options,
    ) -> Self {
        // A model's answers are not a column, so their p-value is not among those of the columns.
        for counted in [true, false] {
            let together = columns.iter_mut().filter(|column| column.counted == counted);
            complete_second_opinions(together, options.false_discoveries);
        }
        let counted = || columns.iter().filter(|column| column.counted);
        let judged = counted().filter(|column| column.drifted.is_some()).count();
        let drifted = counted().filter(|column| column.drifted == Some(true)).count();
        let shifted = counted()
            .filter(|column| column.second_opinion.as_ref().is_some_and(|opinion| opinion.shifted))
            .count();
        let unjudged: Vec<String> = columns
            .iter()
            .filter(|column| column.drifted.is_none())
            .map(|column| format!("{} ({})", column.name, column.reason.as_deref().unwrap_or(column.status)))
            .collect();
        if !unjudged.is_empty() {
            notes.push(format!("not judged, and not counted: {}", unjudged.join(", ")));
        }
        let missing: Vec<String> = columns
            .iter()
            .filter(|column| column.missing_changed)
            .map(|column| {
                let (before, now) = (column.reference.missing_share(), column.current.missing_share());
                format!("{} ({:.1} % to {:.1} %)", column.name, before * 100.0, now * 100.0)
            })
            .collect();
        if !missing.is_empty() {
            notes.push(format!("missing values changed: {}", missing.join(", ")));
        }
        Self {
            format: 1,
            reference,
            current,
            drift: dataset_drifts(drifted, judged, options.drift_share),
            drift_share: options.drift_share,
            judged_columns: judged,
            drifted_columns: drifted,
            share_of_drifted_columns: if judged > 0 { drifted as f64 / judged as f64 } else { 0.0 },
            false_discoveries: options.false_discoveries,
            shifted_columns: shifted,
            columns,
            notes,
        }
    }
}

/// Sets the false discovery rate of each of these columns, and whether it has shifted.
fn complete_second_opinions<'a>(columns: impl Iterator<Item = &'a mut ColumnReport>, false_discoveries: f64) {
    let mut opinions: Vec<&mut SecondOpinion> =
        columns.filter_map(|column| column.second_opinion.as_mut()).collect();
    let p_values: Vec<f64> = opinions.iter().map(|opinion| opinion.p_value).collect();
    for (opinion, rate) in opinions.iter_mut().zip(false_discovery_rates(&p_values)) {
        opinion.false_discovery_rate = rate;
        opinion.shifted = rate <= false_discoveries;
    }
}
