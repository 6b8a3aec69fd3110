//! The schema of a table: the meaning of its columns, as JSON under a metadata key of the file.

use engine::{features, state::LabelSettings};
use serde_json::{Value, json};

/// The metadata key of a table's schema.
pub const SCHEMA_KEY: &str = "stormglass.schema";

/// The schema of a table. `span_s` is the event time of its first and last row, seconds.
pub(super) fn schema_json(
    label: &LabelSettings,
    with_labels: bool,
    grid_s: u32,
    rows: u64,
    span_s: Option<(i64, i64)>,
) -> Value {
    let volatility = "basis points per square-root second";
    let mut columns = vec![
        json!({"name": "symbol", "unit": "name", "meaning": "venue:product"}),
        json!({"name": "event_time", "unit": "microseconds since 1970 UTC", "meaning": "the grid instant"}),
    ];
    for spec in features::specs() {
        let version = format!("{}@{}", spec.name, spec.version);
        columns.push(json!({
            "name": spec.name,
            "feature": version,
            "unit": spec.unit,
            "range": spec.range,
            "window": spec.window,
            "formula": spec.formula,
            "defined_when": spec.defined_when,
            "meaning": spec.meaning,
            "missing": "NaN",
        }));
    }
    if with_labels {
        let label_columns = [
            (
                "tau_bp",
                volatility,
                "the event's threshold at the instant; null before the symbol has its own",
            ),
            ("trailing_bp", volatility, "volatility of the horizon before the instant"),
            ("realised_bp", volatility, "volatility of the horizon after it; null where that is not defined"),
            ("spike", "true or false", "realised_bp > tau_bp; null where one of them is"),
        ];
        columns.extend(
            label_columns
                .map(|(name, unit, meaning)| json!({"name": name, "unit": unit, "meaning": meaning, "missing": "null"})),
        );
    }
    let tau = match label.threshold_bp {
        Some(threshold_bp) => json!({"rule": "fixed", "threshold_bp": threshold_bp}),
        None => json!({
            "rule": "trailing quantile",
            "quantile": label.quantile,
            "window_s": 86_400,
            "sample_s": engine::window::GRID_S,
            "warm_up_s": label.warm_up_s,
        }),
    };
    let features: Vec<String> = features::schema().iter().map(ToString::to_string).collect();
    let time = |second: i64| jiff::Timestamp::from_second(second).ok().map(|time| time.to_string());
    let notation: Vec<_> = features::NOTATION
        .iter()
        .map(|(symbol, meaning)| json!({"symbol": symbol, "meaning": meaning}))
        .collect();
    json!({
        "format": 1,
        "features": features,
        "feature_fingerprint": format!("{:016x}", model::schema::fingerprint(&features::schema())),
        "horizon_s": label.horizon_s,
        "label_quantile": label.threshold_bp.is_none().then_some(label.quantile),
        "tau": tau,
        "grid_s": grid_s,
        "rows": rows,
        "first_time": span_s.and_then(|(first, _)| time(first)),
        "last_time": span_s.and_then(|(_, last)| time(last)),
        "columns": columns,
        "notation": notation,
    })
}
