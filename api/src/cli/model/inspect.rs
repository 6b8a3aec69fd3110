//! Prints the description in a model file, as text or as JSON.

mod json;
mod mean_contributions;

use std::io::{Result, Write};

use model::{
    Bins, Link, Model, Outputs,
    forest::{Layout, Precision},
};

use mean_contributions::mean_contributions;

/// Number of features whose mean contributions are printed.
const FEATURES_PRINTED: usize = 10;

pub(super) fn print_json(model: &Model, out: &mut dyn Write) -> Result<()> {
    serde_json::to_writer_pretty(&mut *out, &json::document(model))?;
    writeln!(out)
}

pub(super) fn print(model: &Model, out: &mut dyn Write) -> Result<()> {
    let info = model.info();
    writeln!(out, "name          {}", info.name)?;
    writeln!(out, "version       {}", info.version)?;
    writeln!(out, "variant       {}", info.variant)?;
    writeln!(out, "sha256        {}", info.sha256)?;
    writeln!(out, "horizon_s     {}", info.horizon_s)?;
    match info.label_rule() {
        Some(rule) => writeln!(out, "label         volatility above {rule}")?,
        None => writeln!(out, "label         not said")?,
    }
    writeln!(out, "tau_bp        {}", info.tau_bp)?;
    writeln!(out, "threshold     {}", info.threshold)?;
    match info.calibration {
        Some(c) => writeln!(out, "calibration   a {} b {}", c.a, c.b)?,
        None => writeln!(out, "calibration   none")?,
    }
    if let Some(outputs) = model.outputs() {
        print_outputs(outputs, out)?;
    }
    writeln!(out, "trees         {} ({} nodes)", info.tree_count, info.node_count)?;
    let layouts: Vec<&str> = model.layouts().map(Layout::name).collect();
    writeln!(
        out,
        "layout        {}",
        if layouts.is_empty() { "none".to_owned() } else { layouts.join(", ") }
    )?;
    writeln!(out, "features      {}", info.features.len())?;
    for feature in &info.features {
        writeln!(out, "  {feature}")?;
    }
    for (title, value) in &info.provenance {
        writeln!(out, "from          {title} = {value}")?;
    }
    for (title, value) in &info.metrics {
        writeln!(out, "metric        {title} = {value}")?;
    }
    match model.drift_reference() {
        Some(drift) => {
            let bins: usize = drift.features.iter().map(|bins| bins.counts.len()).sum();
            writeln!(out, "drift         {bins} bins of {} rows", drift.rows)?;
            for (feature, bins) in info.features.iter().zip(&drift.features) {
                print_bins(&feature.name, bins, out)?;
            }
            print_bins("(answers)", &drift.answers, out)?;
        }
        None => writeln!(out, "drift         no reference")?,
    }
    writeln!(out, "self-test     {} rows", model.self_test_rows().len() / info.features.len())?;
    print_explanation(model, out)
}

/// Prints a distribution on one line: the counts of bins with the edges between them, and the number of missing values.
fn print_bins(name: &str, bins: &Bins, out: &mut dyn Write) -> Result<()> {
    write!(out, "  {name} ")?;
    for (at, count) in bins.counts.iter().enumerate() {
        match at.checked_sub(1).and_then(|edge| bins.edges.get(edge)) {
            Some(edge) => write!(out, " |{edge:.4}| {count}")?,
            None => write!(out, " {count}")?,
        }
    }
    writeln!(out, "; missing {}", bins.missing)
}

fn print_explanation(model: &Model, out: &mut dyn Write) -> Result<()> {
    let explainer = match model.explainer() {
        Ok(explainer) => explainer,
        Err(error) => return writeln!(out, "explanations  none: {error}"),
    };
    let expected: Vec<String> = explainer.expected_values().iter().map(f64::to_string).collect();
    writeln!(out, "explanations  {}, base value {}", explainer.method_name(), expected.join(", "))?;
    let means = mean_contributions(model);
    if !means.is_empty() {
        writeln!(out, "  mean absolute contribution to the raw score over the self-test rows:")?;
    }
    for (feature, mean) in means.into_iter().take(FEATURES_PRINTED) {
        writeln!(out, "  {mean:.6}  {feature}")?;
    }
    Ok(())
}

fn link_text(outputs: &Outputs) -> String {
    match outputs.link {
        Link::Identity => "none".to_owned(),
        Link::Sigmoid { slope } => format!("sigmoid, slope {slope}"),
        Link::Softmax => "softmax".to_owned(),
        Link::FastSoftmax => "softmax by CatBoost's exp".to_owned(),
        Link::ReflectedSigmoid => "sigmoid of the size, reflected below 0".to_owned(),
        Link::Exponential => "exp".to_owned(),
        Link::SignedSquare => "sign(x) x^2".to_owned(),
        Link::Hinge => "1 above 0".to_owned(),
        Link::Softplus => "ln(1 + exp)".to_owned(),
        Link::MeanSigmoid => "the mean of sigmoids".to_owned(),
        Link::ArgMax => "the greatest's position".to_owned(),
    }
}

fn precision_text(outputs: &Outputs) -> &'static str {
    if outputs.precision == Precision::Single { "f32" } else { "f64" }
}

/// Prints the transformation of an imported model's raw scores to answers.
pub(super) fn print_outputs(outputs: &Outputs, out: &mut dyn Write) -> Result<()> {
    let (link, numbers) = (link_text(outputs), precision_text(outputs));
    writeln!(out, "outputs       {} in {numbers}, link {link}", outputs.raw_count())?;
    if outputs.divisor != 1.0 || outputs.link_divisor != 1.0 {
        writeln!(out, "average       of {} trees", outputs.divisor.max(outputs.link_divisor))?;
    }
    if !outputs.classes.is_empty() {
        writeln!(out, "classes       {}", outputs.classes.join(", "))?;
    }
    Ok(())
}
