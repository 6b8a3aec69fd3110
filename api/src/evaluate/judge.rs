//! The metrics of each rung, on the same rows and the same draws of the bootstrap.

use std::collections::BTreeMap;

use model::{
    evaluation::{self, AlertRow, Alerts, ReliabilityBin, Tally},
    learn::{BlockBootstrap, interval},
};
use serde::{Serialize, Serializer};

use super::{ladder::Ladder, ladder::Rung, rows::Rows};

/// Seconds of a bootstrap block: half an hour.
pub(super) const BLOCK_S: i64 = 1_800;
/// With fewer blocks there is no interval. Repeated draws of a few blocks show how these differ from one another, not
/// how other hours would: from one block, every draw is that block.
pub(super) const BLOCKS_MIN: usize = 10;
/// Share of the draws inside an interval.
const COVERAGE: f64 = 0.9;
/// Points that a precision-recall curve is thinned to.
const CURVE_POINTS: usize = 200;

/// Parameters of the judgement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Draws of the bootstrap.
    pub draws: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// Probability from which an alert is given.
    pub threshold: f64,
    /// Cost of a row with an alarm and no spike.
    pub cost_false_alarm: f64,
    /// Cost of a row with a spike and no alarm.
    pub cost_missed_spike: f64,
    /// Seconds that labels look ahead.
    pub horizon_s: u32,
    /// Seconds between rows of a symbol.
    pub grid_s: u32,
}

/// The improvement of the judged rung over another one, in average precision, with 90 % intervals over the same draws.
/// `None` without a spike; the ends also with too few blocks.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Paired {
    pub model: String,
    pub against: String,
    pub difference: Option<f64>,
    pub difference_low: Option<f64>,
    pub difference_high: Option<f64>,
    pub ratio: Option<f64>,
    pub ratio_low: Option<f64>,
    pub ratio_high: Option<f64>,
}

/// The metrics that need a probability. In JSON these keys are among the rung's other numbers, and null for a rung
/// whose score is no probability.
#[derive(Clone, Debug, Serialize)]
pub struct Calibrated {
    /// Brier score.
    pub brier: f64,
    /// Brier skill score against a constant forecast of the test rows' base rate: 1 is perfect, 0 is no better.
    pub brier_skill: f64,
    /// Expected calibration error, in bins of equal width.
    pub ece: f64,
    /// Expected calibration error, in bins of equally many rows.
    pub ece_equal_mass: f64,
    /// The reliability table.
    pub reliability: Vec<Bin>,
    /// Alerts per hour and symbol at the threshold.
    pub alerts_per_hour: f64,
    /// Share of the alerts that were right.
    pub alert_precision: f64,
    /// Number of times that volatility rose above its threshold.
    pub crossings: u64,
    /// Share of the crossings with an alert within the horizon before.
    pub crossings_caught: f64,
    /// Median time from the alert to a caught crossing, seconds; `None` if none was caught.
    pub median_lead_s: Option<i64>,
    /// Cost of false alarms and missed spikes, row by row, per hour and symbol.
    pub cost_per_hour: f64,
}

/// A line of the reliability table.
#[derive(Clone, Copy, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Bin {
    pub low: f64,
    pub high: f64,
    pub rows: u64,
    pub mean_probability: f64,
    pub spike_share: f64,
}

/// The metrics of one rung.
#[derive(Clone, Debug, Serialize)]
pub struct RungReport {
    /// Name of the rung, as `persistence`.
    pub name: String,
    /// Average precision; `None` without a spike.
    pub average_precision: Option<f64>,
    /// Low end of its 90 % interval; `None` with too few blocks.
    pub average_precision_low: Option<f64>,
    /// High end of that interval.
    pub average_precision_high: Option<f64>,
    /// Average precision on the rows where volatility is not over the threshold yet; `None` without a spike among them.
    pub onset_average_precision: Option<f64>,
    /// Greatest recall at a precision of at least 0.5.
    pub recall_at_precision_50: f64,
    /// Greatest recall at a precision of at least 0.6.
    pub recall_at_precision_60: f64,
    /// `None` for a score that is no probability.
    #[serde(flatten, serialize_with = "serialize_or_nulls")]
    pub calibrated: Option<Calibrated>,
    /// Precision-recall curve, as pairs of recall and precision.
    pub curve: Vec<(f64, f64)>,
}

/// Names of the fields of [`Calibrated`], in order.
const CALIBRATED_FIELDS: [&str; 11] = [
    "brier",
    "brier_skill",
    "ece",
    "ece_equal_mass",
    "reliability",
    "alerts_per_hour",
    "alert_precision",
    "crossings",
    "crossings_caught",
    "median_lead_s",
    "cost_per_hour",
];

/// Writes null under each key of [`Calibrated`] if there is none, so that every rung has the same keys.
fn serialize_or_nulls<S: Serializer>(
    calibrated: &Option<Calibrated>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match calibrated {
        Some(calibrated) => calibrated.serialize(serializer),
        None => serializer.collect_map(CALIBRATED_FIELDS.map(|field| (field, ()))),
    }
}

/// The metrics of all rungs.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Blocks that the bootstrap drew from.
    pub blocks: usize,
    /// One report for each rung, in the order of the ladder.
    pub rungs: Vec<RungReport>,
    /// The judged rung compared with each below it.
    pub paired: Vec<Paired>,
}

/// Computes the metrics of all rungs of the ladder.
pub fn judge(rows: &Rows, ladder: &Ladder, settings: &Settings) -> Judgement {
    let tested = &ladder.tested;
    let labels: Vec<bool> = tested.iter().map(|&row| rows.dataset.labels()[row]).collect();
    let times: Vec<i64> = tested.iter().map(|&row| rows.dataset.times_s()[row]).collect();
    let bootstrap = BlockBootstrap::new(&times, BLOCK_S, settings.draws, settings.seed);
    let drawn: Vec<Vec<f64>> =
        ladder.rungs.iter().map(|rung| bootstrap.average_precision(&labels, &rung.ranking)).collect();
    let blocks = bootstrap.blocks();
    let ends = |drawn: &[f64]| {
        let (low, high) = interval(drawn, COVERAGE);
        let known = |end: f64| (blocks >= BLOCKS_MIN && end.is_finite()).then_some(end);
        (known(low), known(high))
    };
    let precision: Vec<Option<f64>> =
        ladder.rungs.iter().map(|rung| evaluation::average_precision(&labels, &rung.ranking)).collect();
    let calm: Vec<usize> = (0..tested.len()).filter(|&place| !rows.is_hot(tested[place])).collect();
    let calm_labels: Vec<bool> = calm.iter().map(|&place| labels[place]).collect();

    let report = |(place, rung): (usize, &Rung)| {
        let (low, high) = ends(&drawn[place]);
        let onset: Vec<f64> = calm.iter().map(|&place| rung.ranking[place]).collect();
        RungReport {
            name: rung.name.clone(),
            average_precision: precision[place],
            average_precision_low: low,
            average_precision_high: high,
            onset_average_precision: evaluation::average_precision(&calm_labels, &onset),
            recall_at_precision_50: evaluation::recall_at_precision(&labels, &rung.ranking, 0.5),
            recall_at_precision_60: evaluation::recall_at_precision(&labels, &rung.ranking, 0.6),
            calibrated: rung
                .probability
                .as_ref()
                .map(|probabilities| calibrated(rows, tested, &labels, probabilities, settings)),
            curve: curve(&labels, &rung.ranking),
        }
    };
    let rungs = ladder.rungs.iter().enumerate().map(report).collect();
    let judged = ladder.judged;
    let paired = |place: usize| {
        let pairs = || drawn[judged].iter().zip(&drawn[place]);
        let differences: Vec<f64> = pairs().map(|(one, other)| one - other).collect();
        let ratios: Vec<f64> = pairs().map(|(one, other)| one / other).collect();
        let ((difference_low, difference_high), (ratio_low, ratio_high)) =
            (ends(&differences), ends(&ratios));
        let both = precision[judged].zip(precision[place]);
        Paired {
            model: ladder.rungs[judged].name.clone(),
            against: ladder.rungs[place].name.clone(),
            difference: both.map(|(one, other)| one - other),
            difference_low,
            difference_high,
            ratio: both.map(|(one, other)| one / other),
            ratio_low,
            ratio_high,
        }
    };
    Judgement { blocks, rungs, paired: (0..judged).map(paired).collect() }
}

fn calibrated(
    rows: &Rows,
    tested: &[usize],
    labels: &[bool],
    probabilities: &[f64],
    settings: &Settings,
) -> Calibrated {
    let tally = Tally::of(labels, probabilities);
    let mut by_symbol: BTreeMap<u32, Vec<AlertRow>> = BTreeMap::new();
    let mut cost = 0.0;
    for (&row, &probability) in tested.iter().zip(probabilities) {
        let alert_row = rows.alert_row(row, probability);
        cost += match (probability >= settings.threshold, alert_row.spike) {
            (true, false) => settings.cost_false_alarm,
            (false, true) => settings.cost_missed_spike,
            _ => 0.0,
        };
        by_symbol.entry(rows.dataset.groups()[row]).or_default().push(alert_row);
    }
    let mut alerts = Alerts::default();
    for rows in by_symbol.values_mut() {
        rows.sort_by_key(|row| row.time_s);
        alerts.add(rows, settings.threshold, i64::from(settings.horizon_s));
    }
    let hours = tested.len() as f64 * f64::from(settings.grid_s) / 3_600.0;
    Calibrated {
        brier: evaluation::brier(labels, probabilities),
        brier_skill: evaluation::brier_skill(labels, probabilities),
        ece: tally.expected_calibration_error(),
        ece_equal_mass: evaluation::equal_mass_calibration_error(labels, probabilities),
        reliability: tally.reliability().into_iter().map(Bin::from).collect(),
        alerts_per_hour: alerts.given as f64 / hours,
        alert_precision: alerts.precision(),
        crossings: alerts.crossings,
        crossings_caught: alerts.caught_share(),
        median_lead_s: alerts.median_lead_s(),
        cost_per_hour: cost / hours,
    }
}

impl From<ReliabilityBin> for Bin {
    fn from(bin: ReliabilityBin) -> Self {
        let ReliabilityBin { low, high, rows, mean_probability, spike_share } = bin;
        Self { low, high, rows, mean_probability, spike_share }
    }
}

fn curve(labels: &[bool], scores: &[f64]) -> Vec<(f64, f64)> {
    let points = evaluation::precision_recall(labels, scores);
    let step = points.len().div_ceil(CURVE_POINTS).max(1);
    // The first points swing between 0 and 1 on a handful of rows; the last one is the base rate.
    let kept =
        points.iter().enumerate().filter(|(place, _)| (place + 1) % step == 0 || place + 1 == points.len());
    kept.map(|(_, point)| (point.recall, point.precision)).collect()
}
