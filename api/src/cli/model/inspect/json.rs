//! The description in a model file as one JSON object.

use model::{Bins, Model, schema};
use serde_json::{Map, Value, json};

use super::{link_text, mean_contributions::mean_contributions, precision_text};

pub(super) fn document(model: &Model) -> Value {
    let info = model.info();
    let features: Vec<Value> = info
        .features
        .iter()
        .map(|feature| json!({"name": feature.name, "version": feature.version}))
        .collect();
    let provenance: Vec<Value> =
        info.provenance.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    let metrics: Map<String, Value> =
        info.metrics.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "name": info.name,
        "version": info.version,
        "variant": info.variant,
        "sha256": info.sha256,
        "horizon_s": info.horizon_s,
        "label_quantile": info.label_quantile,
        "tau_bp": info.tau_bp,
        "threshold": info.threshold,
        "calibration": info.calibration.map(|platt| json!({"a": platt.a, "b": platt.b})),
        "outputs": model.outputs().map(|outputs| json!({
            "count": outputs.raw_count(),
            "precision": precision_text(outputs),
            "link": link_text(outputs),
            "classes": outputs.classes,
        })),
        "trees": info.tree_count,
        "nodes": info.node_count,
        "features": features,
        "features_fingerprint": format!("{:016x}", schema::fingerprint(&info.features)),
        "provenance": provenance,
        "metrics": metrics,
        "explanation": explanation(model),
        "drift_reference": model.drift_reference().map(|drift| json!({
            "rows": drift.rows,
            "answers": bins(&drift.answers),
            "features": info.features.iter().zip(&drift.features)
                .map(|(feature, distribution)| (feature.name.clone(), bins(distribution)))
                .collect::<Map<_, _>>(),
        })),
        "self_test_rows": model.self_test_rows().len() / info.features.len(),
    })
}

fn explanation(model: &Model) -> Value {
    match model.explainer() {
        Ok(explainer) => json!({
            "method": explainer.method_name(),
            "expected_values": explainer.expected_values(),
            "mean_absolute_contributions": mean_contributions(model).into_iter()
                .map(|(feature, mean)| (feature.name.clone(), json!(mean)))
                .collect::<Map<_, _>>(),
        }),
        Err(error) => json!({"method": null, "reason": error.to_string()}),
    }
}

fn bins(bins: &Bins) -> Value {
    json!({"edges": bins.edges, "counts": bins.counts, "missing": bins.missing})
}
