//! The section META: converts [`ModelInfo`] to and from its archive, with the same checks in both directions.

use crate::{
    combine::is_moderate,
    file::v1::{self, ArchivedMeta},
    info::{Calibration, ModelInfo},
    schema::FeatureName,
};

/// Most features of a model: a slot numbers them in 16 bits.
const FEATURES_MAX: usize = 1 << 16;

/// The archived form of the section.
pub(crate) fn to_archive(info: &ModelInfo, weights: Vec<f64>) -> v1::Meta {
    v1::Meta {
        name: info.name.clone(),
        version: info.version.clone(),
        variant: info.variant.clone(),
        features: info
            .features
            .iter()
            .map(|feature| v1::Feature { name: feature.name.clone(), version: feature.version })
            .collect(),
        weights,
        provenance: info
            .provenance
            .iter()
            .map(|(key, value)| v1::Pair { key: key.clone(), value: value.clone() })
            .collect(),
        metrics: info
            .metrics
            .iter()
            .map(|(name, value)| v1::Metric { name: name.clone(), value: *value })
            .collect(),
        calibration: info.calibration.map(|Calibration { a, b }| v1::Calibration { a, b }),
        label_quantile: info.label_quantile,
        tau_bp: info.tau_bp,
        threshold: info.threshold,
        horizon_s: info.horizon_s,
    }
}

/// The information and the members' weights; the caller fills in hash and counts.
///
/// # Errors
/// The first field that breaks a rule.
pub(crate) fn read(archived: &ArchivedMeta) -> Result<(ModelInfo, Vec<f64>), String> {
    let features = archived.features.iter();
    let features =
        features.map(|feature| FeatureName::new(feature.name.as_str(), feature.version.to_native()));
    let info = ModelInfo {
        horizon_s: archived.horizon_s.to_native(),
        label_quantile: archived.label_quantile.to_native(),
        tau_bp: archived.tau_bp.to_native(),
        threshold: archived.threshold.to_native(),
        calibration: archived
            .calibration
            .as_ref()
            .map(|pair| Calibration { a: pair.a.to_native(), b: pair.b.to_native() }),
        provenance: archived
            .provenance
            .iter()
            .map(|pair| (pair.key.as_str().to_owned(), pair.value.as_str().to_owned()))
            .collect(),
        metrics: archived
            .metrics
            .iter()
            .map(|metric| (metric.name.as_str().to_owned(), metric.value.to_native()))
            .collect(),
        ..ModelInfo::new(
            archived.name.as_str(),
            archived.version.as_str(),
            archived.variant.as_str(),
            features.collect(),
        )
    };
    check(&info).map_err(|(field, what)| format!("{field}: {what}"))?;
    let weights: Vec<f64> = archived.weights.iter().map(|weight| weight.to_native()).collect();
    if let Some(weight) = weights.iter().find(|weight| !is_moderate(**weight)) {
        return Err(format!("weight {weight:e}"));
    }
    Ok((info, weights))
}

/// Checks a model's information, for files and drafts alike. The error holds the field and the fault.
pub(crate) fn check(info: &ModelInfo) -> Result<(), (&'static str, String)> {
    for (field, text) in [("name", &info.name), ("version", &info.version), ("variant", &info.variant)] {
        if text.is_empty() {
            return Err((field, "is empty".to_owned()));
        }
    }
    if info.features.is_empty() || info.features.len() > FEATURES_MAX {
        return Err((
            "features",
            format!("{} of them; 1 to {FEATURES_MAX} are possible", info.features.len()),
        ));
    }
    let mut names: Vec<&FeatureName> = info.features.iter().collect();
    names.sort();
    if let Some(pair) = names.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(("features", format!("{} and {}: one name twice", pair[0], pair[1])));
    }
    if names.iter().any(|feature| feature.name.is_empty()) {
        return Err(("features", "one has no name".to_owned()));
    }
    for (field, value) in [("threshold", info.threshold), ("label_quantile", info.label_quantile)] {
        if !(0.0..=1.0).contains(&value) {
            return Err((field, format!("{value} is not in 0..=1")));
        }
    }
    if !is_moderate(info.tau_bp) || info.tau_bp < 0.0 {
        return Err(("tau_bp", format!("{}", info.tau_bp)));
    }
    match info.calibration {
        Some(Calibration { a, b }) if !is_moderate(a) || !is_moderate(b) || a <= 0.0 => {
            Err(("calibration", format!("a {a}, b {b}: both finite, a above 0")))
        }
        _ => Ok(()),
    }
}
