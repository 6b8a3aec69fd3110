//! The report of an evaluation, with its writers: JSON by its fields, text, HTML.

mod html;
mod number;
mod plot;
mod text;

use std::collections::BTreeSet;

use engine::{state::LabelSettings, volatility::Forecast};
use model::{
    evaluation::{average_precision, base_rate},
    learn::Fold,
};
use serde::Serialize;

pub(crate) use html::html;
pub(crate) use text::text;

use super::{
    forecast::ForecastReport,
    judge::{BLOCK_S, Judgement, Paired, RungReport, Settings},
    ladder::Ladder,
    leakage::Leakage,
    rows::Rows,
    time_text,
};
use crate::tick_sum::TickSum;

/// One fold of the walk forward.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FoldReport {
    /// Rows that the fold's models learned from. A finished candidate learned from none of them; the rungs below it
    /// did.
    pub train_rows: usize,
    /// Rows that the rungs are judged by.
    pub test_rows: usize,
    /// Event time of the first test row, RFC 3339.
    pub from: String,
    /// Event time of the last test row, RFC 3339.
    pub until: String,
    /// Share of spikes among the test rows.
    pub base_rate: f64,
    /// Average precision of the judged rung on the test rows; `None` without a spike among them.
    pub average_precision: Option<f64>,
}

/// An instant of the timeline: realised volatility and the forecast served with its interval, basis points per
/// square-root second, the threshold, and the probability given. NaN where there was no forecast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    time_s: i64,
    realised_bp: f64,
    forecast_bp: f64,
    low_bp: f64,
    high_bp: f64,
    tau_bp: f64,
    probability: Option<f64>,
}

/// The number of rows that a finished model, or given scores, can be judged by.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Scored {
    /// Labelled rows after its training that have a score.
    pub rows: usize,
    /// Labelled rows after its training.
    pub of_rows: usize,
}

/// The result of an evaluation.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// A description of the ticks that were read or simulated.
    pub data: String,
    /// Summary of the recorded ticks; `None` for simulated ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticks: Option<TickSum>,
    /// Names of the symbols that have a test row.
    pub symbols: Vec<String>,
    /// Seconds that labels look ahead.
    pub horizon_s: u32,
    /// A description of the event.
    pub event: String,
    /// Test rows.
    pub rows: usize,
    /// Hours that the test rows cover, summed over the symbols.
    pub symbol_hours: f64,
    /// Share of spikes among the test rows.
    pub base_rate: f64,
    /// Rows with a score, for a finished model and for given scores; `None` for a recipe, which scores every row.
    pub scored: Option<Scored>,
    /// Blocks of time with test rows, from which the bootstrap draws. With fewer than ten there are no intervals.
    pub blocks: usize,
    /// Length of a block, seconds.
    pub block_s: i64,
    /// Test rows at which volatility was not over the threshold yet.
    pub onset_rows: usize,
    /// Share of spikes among those.
    pub onset_base_rate: f64,
    /// Probability from which an alert is given.
    pub threshold: f64,
    /// The folds of the walk forward.
    pub folds: Vec<FoldReport>,
    /// Name of the judged rung.
    pub judged: String,
    /// The metrics of each rung of the ladder.
    #[serde(rename = "models")]
    pub rungs: Vec<RungReport>,
    /// The judged rung compared with each below it.
    pub paired: Vec<Paired>,
    /// The quality of the forecasts of volatility.
    pub volatility: Vec<ForecastReport>,
    /// The claim of a random split, with `--demonstrate-leakage`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leakage: Option<Leakage>,
    /// Remarks, such as that there are few rows.
    pub notes: Vec<String>,
    /// Timeline of the first symbol, for the plot.
    #[serde(skip)]
    pub(super) moments: Vec<Moment>,
}

impl Report {
    /// Assembles the report from its parts.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        data: String,
        label: &LabelSettings,
        rows: &Rows,
        folds: &[Fold],
        ladder: &Ladder,
        settings: &Settings,
        scored: Option<Scored>,
        Judgement { blocks, rungs, paired }: Judgement,
        volatility: Vec<ForecastReport>,
        leakage: Option<Leakage>,
    ) -> Self {
        let labels_of = |rows_of: &[usize]| -> Vec<bool> {
            rows_of.iter().map(|&row| rows.dataset.labels()[row]).collect()
        };
        let tested = &ladder.tested;
        let labels = labels_of(tested);
        let onset: Vec<usize> = tested.iter().copied().filter(|&row| !rows.is_hot(row)).collect();
        let mut start = 0;
        let folds = folds
            .iter()
            .map(|fold| {
                let scores = &ladder.rungs[ladder.judged].ranking[start..start + fold.test().len()];
                start += fold.test().len();
                let times = || fold.test().iter().map(|&row| rows.dataset.times_s()[row]);
                FoldReport {
                    train_rows: fold.train().len(),
                    test_rows: fold.test().len(),
                    from: times().min().map_or_else(String::new, time_text),
                    until: times().max().map_or_else(String::new, time_text),
                    base_rate: base_rate(&labels_of(fold.test())),
                    average_precision: average_precision(&labels_of(fold.test()), scores),
                }
            })
            .collect();
        let event = match label.threshold_bp {
            Some(threshold_bp) => format!("volatility over {threshold_bp} bp per square-root second"),
            None => format!("volatility over the symbol's own trailing {} quantile", label.quantile),
        };
        let mut report = Self {
            data,
            ticks: None,
            symbols: symbols(rows, tested),
            horizon_s: label.horizon_s,
            event,
            rows: tested.len(),
            symbol_hours: tested.len() as f64 * f64::from(settings.grid_s) / 3_600.0,
            base_rate: base_rate(&labels),
            scored,
            blocks,
            block_s: BLOCK_S,
            onset_rows: onset.len(),
            onset_base_rate: base_rate(&labels_of(&onset)),
            threshold: settings.threshold,
            folds,
            judged: ladder.rungs[ladder.judged].name.clone(),
            moments: moments(rows, ladder),
            rungs,
            paired,
            volatility,
            leakage,
            notes: ladder.notes.clone(),
        };
        report.add_warnings();
        report
    }

    /// Adds notes if the numbers are likely to be misread.
    fn add_warnings(&mut self) {
        let spikes = (self.base_rate * self.rows as f64).round();
        if self.symbol_hours < 12.0 || spikes < 500.0 {
            let read = if self.rungs.iter().any(|rung| rung.average_precision_low.is_some()) {
                "read the intervals, not the numbers"
            } else {
                "too few even for intervals, so the numbers do not tell one model from another"
            };
            self.notes.push(format!(
                "{:.1} hours and {spikes} spike rows, of which twelve in a row share their seconds, are few: {read}",
                self.symbol_hours
            ));
        }
        let judged = self.rungs.iter().find(|rung| rung.name == self.judged);
        if let Some(found) = judged.and_then(|judged| judged.average_precision).filter(|found| *found > 0.6) {
            self.notes.push(format!(
                "an average precision of {found:.2} is more than such data have been seen to give: look for a leak first"
            ));
        }
    }
}

/// Names of the symbols of these rows, in the order of their numbers.
fn symbols(rows: &Rows, tested: &[usize]) -> Vec<String> {
    let groups: BTreeSet<u32> = tested.iter().map(|&row| rows.dataset.groups()[row]).collect();
    groups.into_iter().map(|group| rows.symbols[group as usize].clone()).collect()
}

/// The test rows of the first symbol, in order of time.
fn moments(rows: &Rows, ladder: &Ladder) -> Vec<Moment> {
    let probability = ladder.rungs[ladder.judged].probability.as_ref();
    let first = ladder.tested.iter().map(|&row| rows.dataset.groups()[row]).min();
    let mut moments: Vec<Moment> = ladder
        .tested
        .iter()
        .enumerate()
        .filter(|&(_, &row)| Some(rows.dataset.groups()[row]) == first)
        .map(|(place, &row)| {
            let served = |of: fn(&Forecast) -> f64| rows.forecast[row].map_or(f64::NAN, |f| of(&f) * 1e4);
            Moment {
                time_s: rows.dataset.times_s()[row],
                realised_bp: rows.realised[row] * 1e4,
                forecast_bp: served(|forecast| forecast.sigma),
                low_bp: served(|forecast| forecast.low),
                high_bp: served(|forecast| forecast.high),
                tau_bp: rows.tau[row] * 1e4,
                probability: probability.map(|probability| probability[place]),
            }
        })
        .collect();
    moments.sort_by_key(|moment| moment.time_s);
    moments
}
