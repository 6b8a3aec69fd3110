//! Writes the report as JSON. Besides our keys it has those of Evidently's JSON, for tools that read Evidently's
//! reports.

use serde_json::{Value, json};

use super::Report;

/// Our keys, then `metrics` and `tests` as Evidently 0.7 writes them (without its hashes).
pub(crate) fn json(report: &Report) -> Value {
    let mut value = serde_json::to_value(report).expect("its keys are text");
    let share = report.drift_share;
    let mut metrics = vec![json!({
        "metric_name": format!("DriftedColumnsCount(drift_share={share})"),
        "config": {"type": "evidently:metric_v2:DriftedColumnsCount", "drift_share": share},
        "value": {"count": report.drifted_columns as f64, "share": report.share_of_drifted_columns},
    })];
    let status = |failed: bool| if failed { "FAIL" } else { "SUCCESS" };
    let mut tests = vec![json!({
        "id": "lt",
        "name": format!("Share of Drifted Columns: Less {share:.3}"),
        "description": format!(
            "Share of Drifted Columns: Actual value {:.3} {} {share:.3}",
            report.share_of_drifted_columns,
            if report.drift { ">=" } else { "<" }
        ),
        "status": status(report.drift),
    })];
    for column in report.columns.iter().filter(|column| column.counted) {
        let (Some(method), Some(score), Some(threshold), Some(drifted)) =
            (column.method_title, column.score, column.threshold, column.drifted)
        else {
            continue;
        };
        let name = &column.name;
        metrics.push(json!({
            "metric_name": format!("ValueDrift(column={name},method={method},threshold={threshold})"),
            "config": {"type": "evidently:metric_v2:ValueDrift", "column": name, "method": method, "threshold": threshold},
            "value": score,
        }));
        tests.push(json!({
            "id": "drift",
            "name": format!("Value Drift for column {name}"),
            "description": format!(
                "Drift score is {score:.2}. The drift detection method is {method}. The drift threshold is {threshold:.2}."
            ),
            "status": status(drifted),
        }));
    }
    value["metrics"] = metrics.into();
    value["tests"] = tests.into();
    value
}
