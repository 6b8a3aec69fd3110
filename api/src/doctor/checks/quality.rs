//! Were the probabilities better than the score of persistence, and calibrated?

use serde_json::Value;

use crate::doctor::{finding::Finding, service::Service};

/// Outcomes below which quality is not judged: a few hours of one symbol.
const ROWS_MIN: u64 = 2_000;
/// Expected calibration error above which there is a warning.
const ECE_MAX: f64 = 0.05;

pub(super) fn check(service: &Service) -> Vec<Finding> {
    let body = service.json("/quality");
    let Some(models) = body["models"].as_array() else {
        return vec![Finding::warning("/quality gives no answer", "look at the shards: /health and the log")];
    };
    let mut found = Vec::new();
    for model in models {
        let number = |name: &str| model[name].as_f64().unwrap_or(0.0);
        let name = model["name"].as_str().unwrap_or("a model");
        let rows = model["rows"].as_u64().unwrap_or(0);
        let base_rate = number("base_rate");
        let precision = |of: &Value| of["average_precision"].as_f64();
        let (Some(own), Some(persistence)) = (precision(model), precision(&model["persistence"])) else {
            found.push(Finding::ok(format!("{name}: no spike in {rows} outcomes: nothing to judge by")));
            continue;
        };
        let seen = format!(
            "{name}: average precision {own:.3}, persistence {persistence:.3}, base rate {base_rate:.3}, over {rows} outcomes"
        );
        if rows < ROWS_MIN {
            found.push(Finding::ok(format!("{seen}: too few to judge")));
            continue;
        }
        if own <= persistence {
            found.push(Finding::warning(
                format!("no better than persistence: {seen}"),
                "train on your own ticks; until then quality.fallback = true lets the baseline answer where it does better",
            ));
        } else {
            found.push(Finding::ok(seen));
        }
        if number("ece") > ECE_MAX {
            found.push(Finding::warning(
                format!("{name}: probabilities are {:.3} off in the mean", number("ece")),
                "quality.recalibrate = true lets each symbol's outcomes set them right",
            ));
        }
    }
    if found.is_empty() {
        found.push(Finding::ok("no outcome yet: a symbol's own threshold takes two hours of ticks"));
    }
    found
}
