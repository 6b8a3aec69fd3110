//! The result of comparing one column.

use std::collections::BTreeMap;

use model::drift::{Bins, Kind, Numbers, Opinion, Verdict, Words};
use serde::Serialize;

use super::{Histogram, MISSING_CHANGE_MIN};

/// The most frequent words that a summary lists.
const WORDS_MAX: usize = 20;

/// A compared column, or a model's answers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ColumnReport {
    pub name: String,
    /// `numerical` or `categorical`, by Evidently's rules.
    pub kind: &'static str,
    /// `judged`; `constant`, which is judged as well; or the reason why the column was not judged.
    pub status: &'static str,
    /// The reason why the requested method cannot score the column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Name of the method. This and the next four are null if the column was not judged.
    pub method: Option<&'static str>,
    /// Name of the method in Evidently's reports.
    pub method_title: Option<&'static str>,
    /// The method's score: a p-value or a distance.
    pub score: Option<f64>,
    /// The threshold that the score is compared with.
    pub threshold: Option<f64>,
    /// Whether the score means drift.
    pub drifted: Option<bool>,
    /// Whether it counts among the columns of the report. A model's answers do not.
    pub counted: bool,
    /// Whether the share of missing values changed by [`MISSING_CHANGE_MIN`] or more.
    pub missing_changed: bool,
    /// Size of the difference and its significance; null if the column was not judged.
    pub second_opinion: Option<SecondOpinion>,
    /// The column in the reference.
    pub reference: Summary,
    /// The column in the current table.
    pub current: Summary,
    /// Bars of the plot in the HTML page.
    #[serde(skip)]
    pub histogram: Histogram,
}

/// The size and direction of the difference, and its significance. It does not change the verdict of the method.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SecondOpinion {
    /// `cliffs_delta`, or `total_variation` for words.
    pub effect_name: &'static str,
    /// Size of the difference, whatever the number of rows.
    pub effect: f64,
    /// Greatest gap between the two distribution functions.
    pub gap: f64,
    /// The shift of the mean, in standard deviations of the reference.
    pub mean_shift: Option<f64>,
    /// `higher`, `lower`, `wider`, `narrower`, `alike`, or `-` for words.
    pub direction: &'static str,
    /// Independent rows that the reference's rows are worth: neighbours in time depend on each other.
    pub reference_effective_rows: f64,
    /// Independent rows that the current rows are worth.
    pub current_effective_rows: f64,
    /// Probability that this many independent rows of one distribution differ at least this much.
    pub p_value: f64,
    /// Expected share of false discoveries among the counted columns with at most this p-value; for an entry that is
    /// not counted, its p-value.
    pub false_discovery_rate: f64,
    /// Whether the false discovery rate is small enough to call the column shifted.
    pub shifted: bool,
}

/// Distribution of a column on one side.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Summary {
    pub rows: u64,
    /// Rows without a value.
    pub missing: u64,
    /// Rows whose value is infinite. Statistics leave them out, as they do missing values. Where values are compared
    /// with a model's bins they are in the outer bins, as in training, and only the effective rows leave them out.
    pub infinite: u64,
    /// Mean. This and the statistics below are null for words. A model's bins have the five percentiles only, as edges
    /// of bins.
    pub mean: Option<f64>,
    /// Standard deviation.
    pub deviation: Option<f64>,
    pub min: Option<f64>,
    /// 10th percentile.
    pub p10: Option<f64>,
    /// 25th percentile.
    pub p25: Option<f64>,
    pub median: Option<f64>,
    /// 75th percentile.
    pub p75: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    pub max: Option<f64>,
    /// The most frequent words with their counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<BTreeMap<String, u64>>,
}

impl ColumnReport {
    /// A column that a method judged.
    pub(crate) fn judged(
        name: &str,
        kind: Kind,
        verdict: Verdict,
        constant: bool,
        opinion: Opinion,
        summaries: (Summary, Summary),
        histogram: Histogram,
    ) -> Self {
        let status = if constant { "constant" } else { "judged" };
        Self {
            method: Some(verdict.method.name),
            method_title: Some(verdict.method.title),
            score: Some(verdict.score),
            threshold: Some(verdict.threshold),
            drifted: Some(verdict.drifted),
            second_opinion: Some(SecondOpinion {
                effect_name: opinion.effect.name(),
                effect: opinion.effect.value(),
                gap: opinion.gap,
                mean_shift: opinion.mean_shift,
                direction: opinion.direction.name(),
                reference_effective_rows: opinion.effective_rows.0,
                current_effective_rows: opinion.effective_rows.1,
                p_value: opinion.p_value,
                false_discovery_rate: 1.0,
                shifted: false,
            }),
            ..Self::unjudged(name, kind, status, summaries, histogram)
        }
    }

    /// A column without a verdict; `status` says why.
    pub(crate) fn unjudged(
        name: &str,
        kind: Kind,
        status: &'static str,
        (reference, current): (Summary, Summary),
        histogram: Histogram,
    ) -> Self {
        Self {
            name: name.to_owned(),
            kind: match kind {
                Kind::Numerical => "numerical",
                Kind::Categorical => "categorical",
            },
            status,
            reason: None,
            method: None,
            method_title: None,
            score: None,
            threshold: None,
            drifted: None,
            counted: true,
            missing_changed: (current.missing_share() - reference.missing_share()).abs()
                >= MISSING_CHANGE_MIN,
            second_opinion: None,
            reference,
            current,
            histogram,
        }
    }
}

impl Summary {
    /// Summarises numbers, NaN where missing; `finite` has those of them that are finite.
    pub(crate) fn from_numbers(values: &[f64], finite: &Numbers) -> Self {
        let at = |share: f64| Some(finite.quantile(share)).filter(|value| value.is_finite());
        Self {
            rows: values.len() as u64,
            missing: values.iter().filter(|value| value.is_nan()).count() as u64,
            infinite: values.iter().filter(|value| value.is_infinite()).count() as u64,
            mean: Some(finite.mean()).filter(|mean| mean.is_finite()),
            deviation: Some(finite.variance().sqrt()).filter(|deviation| deviation.is_finite()),
            min: at(0.0),
            p10: at(0.1),
            p25: at(0.25),
            median: at(0.5),
            p75: at(0.75),
            p90: at(0.9),
            max: at(1.0),
            words: None,
        }
    }

    /// Summarises words of a column of `rows` rows; a row without a word is missing.
    pub(crate) fn from_words(rows: usize, words: &Words) -> Self {
        let mut most: Vec<(&String, &u64)> = words.counts().iter().collect();
        most.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        Self {
            rows: rows as u64,
            missing: rows as u64 - words.total(),
            words: Some(
                most.into_iter().take(WORDS_MAX).map(|(word, count)| (word.clone(), *count)).collect(),
            ),
            ..Self::default()
        }
    }

    /// Summarises a model's bins, which hold no more than counts between edges.
    pub(crate) fn from_bins(bins: &Bins) -> Self {
        let total: u64 = bins.counts.iter().sum();
        let at = |share: f64| {
            let mut seen = 0;
            let bin = bins.counts.iter().position(|&count| {
                seen += count;
                seen as f64 >= share * total as f64
            });
            bin.and_then(|bin| bins.edges.get(bin.min(bins.edges.len().saturating_sub(1))).copied())
        };
        Self {
            rows: total + bins.missing,
            missing: bins.missing,
            p10: at(0.1),
            p25: at(0.25),
            median: at(0.5),
            p75: at(0.75),
            p90: at(0.9),
            ..Self::default()
        }
    }

    /// Share of the rows that have no value; 0 if there are no rows.
    pub(crate) fn missing_share(&self) -> f64 {
        self.missing as f64 / self.rows.max(1) as f64
    }
}
