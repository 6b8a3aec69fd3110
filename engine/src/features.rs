//! (5) The list of features.

use model::schema::FeatureName;

/// What is fixed about a feature.
#[derive(Clone, Copy, Debug)]
pub struct FeatureSpec {
    /// Its name.
    pub name: &'static str,
    /// Version of its formula.
    pub version: u16,
    /// Unit of its value.
    pub unit: &'static str,
    /// What it means, in one sentence.
    pub meaning: &'static str,
}

/// The features of a row, in order.
pub fn specs() -> Vec<FeatureSpec> {
    Vec::new()
}

/// Their versioned names, in order.
pub fn schema() -> Vec<FeatureName> {
    specs().iter().map(|s| FeatureName::new(s.name, s.version)).collect()
}
