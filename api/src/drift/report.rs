//! What a comparison found.

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

/// A change of the share of missing values from which it is told.
pub(crate) const MISSING_CHANGE_MIN: f64 = 0.05;

/// One side.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SideReport {
    /// The file.
    pub source: String,
    /// Its rows.
    pub rows: u64,
}

/// A comparison.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Of this document: it grows only by new keys.
    pub format: u32,
    /// What was.
    pub reference: SideReport,
    /// What is.
    pub current: SideReport,
    /// Whether the whole has drifted.
    pub drift: bool,
    /// Share of drifted columns from which it has.
    pub drift_share: f64,
    /// Columns that could be judged.
    pub judged_columns: usize,
    /// Those that drifted.
    pub drifted_columns: usize,
    /// Their share of the judged.
    pub share_of_drifted_columns: f64,
    /// Share of false discoveries that the second opinion allows.
    pub false_discoveries: f64,
    /// Columns that shifted by the second opinion.
    pub shifted_columns: usize,
    /// The columns.
    pub columns: Vec<ColumnReport>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

impl Report {
    /// Counts, and gives the second opinion of all columns together.
    pub(crate) fn new(
        reference: SideReport,
        current: SideReport,
        mut columns: Vec<ColumnReport>,
        mut notes: Vec<String>,
        options: &Options,
    ) -> Self {
        // What is no column is no discovery among the columns either.
        for counted in [true, false] {
            let together = columns.iter_mut().filter(|column| column.counted == counted);
            second_opinion(together, options.false_discoveries);
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
                let (was, is) = (column.reference.missing_share(), column.current.missing_share());
                format!("{} ({:.1} % to {:.1} %)", column.name, was * 100.0, is * 100.0)
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

/// The rates of false discoveries among these columns, and who has shifted.
fn second_opinion<'a>(columns: impl Iterator<Item = &'a mut ColumnReport>, false_discoveries: f64) {
    let mut opinions: Vec<&mut SecondOpinion> =
        columns.filter_map(|column| column.second_opinion.as_mut()).collect();
    let p_values: Vec<f64> = opinions.iter().map(|opinion| opinion.p_value).collect();
    for (opinion, rate) in opinions.iter_mut().zip(false_discovery_rates(&p_values)) {
        opinion.false_discovery_rate = rate;
        opinion.shifted = rate <= false_discoveries;
    }
}
