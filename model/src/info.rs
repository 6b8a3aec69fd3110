//! The description in a model file: name, features, event, calibration, provenance.

use crate::schema::FeatureName;

/// Platt calibration: `log_odds = a * raw + b`, a product and a sum, each rounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Slope on the log-odds; above 0, so that calibration keeps the order of scores.
    pub a: f64,
    /// Intercept on the log-odds.
    pub b: f64,
}

/// The rule that sets the volatility threshold of the predicted event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LabelRule {
    /// The symbol's own trailing volatilities at this quantile.
    Quantile(f64),
    /// This volatility for every symbol, basis points per square-root second.
    FixedBp(f64),
}

impl std::fmt::Display for LabelRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Quantile(quantile) => write!(f, "the symbol's own trailing {quantile} quantile"),
            Self::FixedBp(threshold) => write!(f, "{threshold} bp per square-root second"),
        }
    }
}

/// A model file's description of its model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelInfo {
    /// The model's name, such as `stormglass-default`.
    pub name: String,
    /// The model's version, such as `1`.
    pub version: String,
    /// The variant, `ml` or `baseline`.
    pub variant: String,
    /// SHA-256 of the file's bytes, lower-case hexadecimal; empty in a draft.
    pub sha256: String,
    /// The features of a row, in order.
    pub features: Vec<FeatureName>,
    /// Horizon of the probability in seconds; 0 if the file does not give it.
    pub horizon_s: u32,
    /// Quantile of the label's threshold, such as 0.9; 0 if the threshold is fixed, or the file does not give it.
    pub label_quantile: f64,
    /// The event's threshold, basis points per square-root second. With a quantile it is the median of the thresholds
    /// of the training rows, which shows the scale of their markets; otherwise the fixed threshold. 0 if the file does
    /// not give it.
    pub tau_bp: f64,
    /// Probability at or above which `spike` is true.
    pub threshold: f64,
    /// Calibration, if the file has one.
    pub calibration: Option<Calibration>,
    /// Provenance, in order: command, trainer, data, seed, time span.
    pub provenance: Vec<(String, String)>,
    /// Metrics measured in training, by name, in the file's order.
    pub metrics: Vec<(String, f64)>,
    /// Number of trees in all members.
    pub tree_count: usize,
    /// Number of nodes in all members, leaves included.
    pub node_count: usize,
}

impl ModelInfo {
    /// A description with only names and features: threshold 0.5, no calibration, zeros and empty lists elsewhere.
    pub fn new(name: &str, version: &str, variant: &str, features: Vec<FeatureName>) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            variant: variant.to_owned(),
            sha256: String::new(),
            features,
            horizon_s: 0,
            label_quantile: 0.0,
            tau_bp: 0.0,
            threshold: 0.5,
            calibration: None,
            provenance: Vec::new(),
            metrics: Vec::new(),
            tree_count: 0,
            node_count: 0,
        }
    }

    /// The rule for the event's threshold; `None` if the file does not give it.
    pub fn label_rule(&self) -> Option<LabelRule> {
        if self.label_quantile > 0.0 {
            return Some(LabelRule::Quantile(self.label_quantile));
        }
        (self.tau_bp > 0.0).then_some(LabelRule::FixedBp(self.tau_bp))
    }

    /// The model's features that `available` lacks, in the model's order. If empty, the model can drive that stream.
    pub fn features_absent_from(&self, available: &[FeatureName]) -> Vec<FeatureName> {
        self.features.iter().filter(|feature| !available.contains(feature)).cloned().collect()
    }
}
