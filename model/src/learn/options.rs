//! Options of training, with their defaults.

use super::{boost::BoostOptions, error::LearnError};

/// Features in which the trees must be increasing: more recent volatility, flow or spread never lowers the probability.
/// Those that the dataset lacks are ignored.
pub const INCREASING_FEATURES: [&str; 15] = [
    "lv10_tau",
    "lv60_tau",
    "lv300_tau",
    "lew30_tau",
    "az10",
    "az300",
    "spr_ratio",
    "spr_max_ratio",
    "ntr10_300",
    "ntr60_1800",
    "ntr60",
    "vol10_300",
    "atfi60",
    "hk2_200",
    "hk20_200",
];

/// The features of the baseline: a logit version of HAR-RV (Corsi 2009), with volatility over four horizons relative to
/// the threshold.
pub const BASELINE_FEATURES: [&str; 4] = ["lv10_tau", "lv60_tau", "lv300_tau", "lv300_1800"];

/// Options of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainOptions {
    /// The name that the model gets.
    pub name: String,
    /// The version that the model gets.
    pub version: String,
    /// Seed of the draws of rows and columns for the trees.
    pub seed: u64,
    /// Horizon of the labels in seconds.
    pub horizon_s: u32,
    /// Quantile of the label's threshold; 0 if the threshold is fixed.
    pub label_quantile: f64,
    /// Median threshold of the rows, or the fixed one, basis points per square-root second; 0 if unknown.
    pub tau_bp: f64,
    /// Cost of an alarm without a spike, in any unit.
    pub cost_false_alarm: f64,
    /// Cost of a spike without an alarm, in the same unit. By default three times the other, which gives a threshold of
    /// 1 / (1 + 3) = 0.25, two and a half times the base rate of a 0.9-quantile label.
    pub cost_missed_spike: f64,
    /// Seconds left out before held-out rows in addition to the label's horizon: the longest window that matters to
    /// most features.
    pub embargo_s: u32,
    /// Weight of half the squared coefficients against the summed log loss.
    pub logistic_l2: f64,
    /// Settings of the boosted trees.
    pub boost: BoostOptions,
    /// Settings of a random forest's trees: `leaf_weight_min` counts rows, and there is no learning rate.
    pub forest: BoostOptions,
    /// Names of the features in which the trees must be increasing.
    pub increasing: Vec<String>,
    /// Provenance from the caller: command, data, time span. It comes before the entries that training adds.
    pub provenance: Vec<(String, String)>,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            name: "stormglass-default".to_owned(),
            version: "1".to_owned(),
            seed: 7,
            horizon_s: 60,
            label_quantile: 0.9,
            tau_bp: 0.0,
            cost_false_alarm: 1.0,
            cost_missed_spike: 3.0,
            embargo_s: 300,
            logistic_l2: 100.0,
            boost: BoostOptions::default(),
            forest: BoostOptions {
                trees: 200,
                leaves_max: 128,
                depth_max: 10,
                leaf_weight_min: 20.0,
                // The share of distinct rows in a bootstrap sample.
                row_share: 0.632,
                feature_share: 0.34,
                l2: 0.0,
                ..BoostOptions::default()
            },
            increasing: INCREASING_FEATURES.map(str::to_owned).to_vec(),
            provenance: Vec::new(),
        }
    }
}

impl TrainOptions {
    /// The probability from which on an alarm costs less than none, for a calibrated score:
    /// `false alarm / (false alarm + missed spike)`.
    ///
    /// ```
    /// assert_eq!(stormglass_model::learn::TrainOptions::default().threshold(), 0.25);
    /// ```
    pub fn threshold(&self) -> f64 {
        self.cost_false_alarm / (self.cost_false_alarm + self.cost_missed_spike)
    }

    /// Settings of a random forest's growth.
    pub(super) fn forest_options(&self) -> BoostOptions {
        BoostOptions { seed: self.seed, increasing: Vec::new(), ..self.forest.clone() }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`LearnError::Option`].
    pub fn check(&self) -> Result<(), LearnError> {
        let positive = [
            ("cost_false_alarm", self.cost_false_alarm),
            ("cost_missed_spike", self.cost_missed_spike),
            ("logistic_l2", self.logistic_l2),
        ];
        for (option, value) in positive {
            if !value.is_finite() || value <= 0.0 {
                return Err(LearnError::Option { option, what: format!("{value} is not above 0") });
            }
        }
        self.forest.check()?;
        self.boost.check()
    }
}
