//! Writes a model card, a short description of a model for people (after Mitchell et al. 2019).

use std::fmt::Write;

use crate::{info::ModelInfo, schema};

/// The model card in Markdown: name, event, training metrics, provenance and features.
pub fn card(info: &ModelInfo) -> String {
    let mut out = String::new();
    write_card(&mut out, info).expect("writing to a String cannot fail");
    out
}

fn write_card(out: &mut String, info: &ModelInfo) -> std::fmt::Result {
    writeln!(out, "# {} {}\n", info.name, info.version)?;
    if info.horizon_s > 0 {
        write!(out, "The probability that volatility spikes within {} seconds", info.horizon_s)?;
    } else {
        write!(out, "The probability of its event")?;
    }
    if let Some(rule) = info.label_rule() {
        write!(out, ": that it exceeds {rule}")?;
    }
    writeln!(out, ". A spike is called at {} and above.\n", info.threshold)?;

    writeln!(out, "| | |\n|---|---|\n| variant | {} |", info.variant)?;
    if !info.sha256.is_empty() {
        writeln!(out, "| sha256 | `{}` |", info.sha256)?;
    }
    if info.tau_bp > 0.0 && info.label_quantile > 0.0 {
        writeln!(out, "| median threshold of its rows | {} bp per square-root second |", info.tau_bp)?;
    }
    match info.calibration {
        Some(platt) => writeln!(out, "| calibration | Platt, a = {:.6}, b = {:.6} |", platt.a, platt.b)?,
        None => writeln!(out, "| calibration | none |")?,
    }
    writeln!(out, "| trees | {} with {} nodes |", info.tree_count, info.node_count)?;
    let fingerprint = schema::fingerprint(&info.features);
    writeln!(out, "| features | {}, fingerprint `{fingerprint:016x}` |", info.features.len())?;

    if !info.metrics.is_empty() {
        writeln!(out, "\n## Measured in training\n\n| metric | value |\n|---|---|")?;
        for (name, value) in &info.metrics {
            writeln!(out, "| {name} | {value:.4} |")?;
        }
        if info.calibration.is_some() && info.provenance.iter().any(|(key, _)| key == "metrics_on") {
            writeln!(
                out,
                "\nThe two numbers of the calibration were fitted to the rows that this was measured on: Brier scores, log loss \
                 and calibration error are a little too good. The order of the rows, and so the average precision, does not \
                 depend on them. `stormglass evaluate` measures on rows that nothing was fitted to."
            )?;
        }
    }
    if !info.provenance.is_empty() {
        writeln!(out, "\n## Where it comes from\n\n| | |\n|---|---|")?;
        for (key, value) in &info.provenance {
            writeln!(out, "| {} | {} |", cell(key), cell(value))?;
        }
    }
    let names: Vec<String> = info.features.iter().map(|feature| format!("`{feature}`")).collect();
    writeln!(out, "\n## Features, in order\n\n{}", names.join(", "))
}

/// Escapes a text so that it stays in its table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::FeatureName;

    #[test]
    fn the_card_says_what_the_model_is_and_leaves_out_what_it_does_not_say() {
        let mut info = ModelInfo::new("storm", "3", "ml", vec![FeatureName::new("lv60_tau", 1)]);
        info.provenance = vec![("command".to_owned(), "train | tee\nlog".to_owned())];
        let silent = card(&info);
        assert!(silent.starts_with("# storm 3\n") && silent.contains("`lv60_tau@1`"));
        assert!(silent.contains("| command | train \\| tee log |"), "{silent}");
        assert!(!silent.contains("square-root") && !silent.contains("quantile"), "{silent}");
        (info.tau_bp, info.horizon_s, info.label_quantile) = (1.25, 60, 0.9);
        assert!(
            card(&info).contains("within 60 seconds: that it exceeds the symbol's own trailing 0.9 quantile")
        );
        info.label_quantile = 0.0;
        let fixed = card(&info);
        assert!(
            fixed.contains("within 60 seconds: that it exceeds 1.25 bp per square-root second"),
            "{fixed}"
        );
        assert!(!fixed.contains("without its own"), "{fixed}");
    }
}
