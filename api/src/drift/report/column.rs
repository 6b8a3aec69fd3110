//! What was found of one column.

use std::collections::BTreeMap;

use model::drift::{Bins, Kind, Numbers, Opinion, Verdict, Words};
use serde::Serialize;

use super::{Histogram, MISSING_CHANGE_MIN};

/// Words that are told by name.
const WORDS_MAX: usize = 20;

/// A column.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ColumnReport {
    /// Its name.
    pub name: String,
    /// `numerical` or `categorical`, as Evidently takes it.
    pub kind: &'static str,
    /// `judged`; `constant`, which is judged, too; or why it was not.
    pub status: &'static str,
    /// Why a method has no score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The method's name; null where the column was not judged, as the next four.
    pub method: Option<&'static str>,
    /// Its name in Evidently's reports.
    pub method_title: Option<&'static str>,
    /// A p-value or a distance.
    pub score: Option<f64>,
    /// What it was held to.
    pub threshold: Option<f64>,
    /// Whether that is drift.
    pub drifted: Option<bool>,
    /// Whether it counts among the columns.
    pub counted: bool,
    /// Whether the share of missing values changed by a twentieth or more.
    pub missing_changed: bool,
    /// What the verdict leaves open.
    pub second_opinion: Option<SecondOpinion>,
    /// What was.
    pub reference: Summary,
    /// What is.
    pub current: Summary,
    /// For the plot.
    #[serde(skip)]
    pub histogram: Histogram,
}

/// What the first line of numbers leaves open; it changes nothing in it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SecondOpinion {
    /// `cliffs_delta`, or `total_variation` of words.
    pub effect_name: &'static str,
    /// How great the shift is, whatever the rows.
    pub effect: f64,
    /// The greatest gap between both distribution functions.
    pub gap: f64,
    /// The shift of the mean, in standard deviations of the reference.
    pub mean_shift: Option<f64>,
    /// `higher`, `lower`, `wider`, `narrower`, `alike`, or `-` of words.
    pub direction: &'static str,
    /// Independent rows that the reference's are worth.
    pub reference_effective_rows: f64,
    /// The same of the current side's.
    pub current_effective_rows: f64,
    /// How likely so many independent rows of one distribution differ so much.
    pub p_value: f64,
    /// The share of false ones among the counted columns with so small a p-value; of one that is not counted, its p-value.
    pub false_discovery_rate: f64,
    /// Whether that is small enough.
    pub shifted: bool,
}

/// A column on one side.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Summary {
    /// Rows.
    pub rows: u64,
    /// Rows without a value.
    pub missing: u64,
    /// Rows whose value is infinite: left out as the missing are, but not counted among them. In a model's bins, where
    /// training counted them, they stand in the outer ones, and only rows that count leave them out.
    pub infinite: u64,
    /// Of numbers; null for words, and in bins.
    pub mean: Option<f64>,
    /// Standard deviation.
    pub deviation: Option<f64>,
    /// The least value.
    pub min: Option<f64>,
    /// A tenth is below it.
    pub p10: Option<f64>,
    /// A quarter.
    pub p25: Option<f64>,
    /// A half; in bins an edge near it.
    pub median: Option<f64>,
    /// Three quarters.
    pub p75: Option<f64>,
    /// Nine tenths.
    pub p90: Option<f64>,
    /// The greatest value.
    pub max: Option<f64>,
    /// The most frequent words and how often each stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<BTreeMap<String, u64>>,
}

impl ColumnReport {
    /// One that was judged.
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

    /// One that was not.
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
    /// Of numbers, those that are finite sorted already.
    pub(crate) fn of_numbers(values: &[f64], finite: &Numbers) -> Self {
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

    /// Of words.
    pub(crate) fn of_words(rows: usize, words: &Words) -> Self {
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

    /// Of a model's bins, which hold no more than counts between edges.
    pub(crate) fn of_bins(bins: &Bins) -> Self {
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

    /// Of all rows; 0 of none.
    pub(crate) fn missing_share(&self) -> f64 {
        self.missing as f64 / self.rows.max(1) as f64
    }
}
