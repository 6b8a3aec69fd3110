//! The report at a terminal.

use std::fmt::Write;

use super::Report;

/// Tables of fixed width.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    write_text(&mut out, report).expect("writing to a String cannot fail");
    out
}

fn write_text(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "{}", report.data)?;
    writeln!(out, "event: within {} s, {}", report.horizon_s, report.event)?;
    writeln!(
        out,
        "judged: {} rows ({:.1} h of {}), base rate {:.4}; onset rows {}, base rate {:.4}\n",
        report.rows,
        report.symbol_hours,
        report.symbols.join(", "),
        report.base_rate,
        report.onset_rows,
        report.onset_base_rate
    )?;
    writeln!(
        out,
        "walk forward          learned from    judged by   base rate   average precision of {}",
        report.judged
    )?;
    for fold in &report.folds {
        writeln!(
            out,
            "{:<20}  {:>12}  {:>11}  {:>10.4}  {:>10.4}",
            fold.from, fold.train_rows, fold.test_rows, fold.base_rate, fold.average_precision
        )?;
    }
    let width = report.rungs.iter().map(|rung| rung.name.len()).max().unwrap_or(0);
    writeln!(
        out,
        "\n{:width$}  average precision [90 %]     onset   recall at precision .5   .6   judged less this [90 %]      times",
        "ladder"
    )?;
    for rung in &report.rungs {
        write!(
            out,
            "{:width$}  {:.4} [{:.4}, {:.4}]    {:>7.4}   {:>12.4}  {:>12.4}",
            rung.name,
            rung.average_precision,
            rung.average_precision_low,
            rung.average_precision_high,
            rung.onset_average_precision,
            rung.recall_at_precision_50,
            rung.recall_at_precision_60,
        )?;
        match report.paired.iter().find(|paired| paired.against == rung.name) {
            Some(paired) => writeln!(
                out,
                "   {:+.4} [{:+.4}, {:+.4}]   {:.3} [{:.3}, {:.3}]",
                paired.difference,
                paired.difference_low,
                paired.difference_high,
                paired.ratio,
                paired.ratio_low,
                paired.ratio_high
            )?,
            None => writeln!(out)?,
        }
    }
    writeln!(
        out,
        "\n{:width$}  Brier skill     ECE   alerts/h   right   crossings caught   median lead   cost/h   (at {:.3})",
        "as probabilities", report.threshold
    )?;
    for rung in &report.rungs {
        let Some(given) = &rung.calibrated else { continue };
        let lead = given.median_lead_s.map_or_else(|| "-".to_owned(), |lead| format!("{lead} s"));
        writeln!(
            out,
            "{:width$}  {:>11.4}  {:.4}  {:>8.2}  {:>6.3}  {:>17.3}  {:>12}  {:>7.1}",
            rung.name,
            given.brier_skill,
            given.ece,
            given.alerts_per_hour,
            given.alert_precision,
            given.crossings_caught,
            lead,
            given.cost_per_hour
        )?;
    }
    if let Some(given) =
        report.rungs.iter().find(|rung| rung.name == report.judged).and_then(|rung| rung.calibrated.as_ref())
    {
        writeln!(out, "\nreliability of {}: probability   mean   spikes   rows", report.judged)?;
        for bin in given.reliability.iter().filter(|bin| bin.rows > 0) {
            writeln!(
                out,
                "  {:.2} to {:.2}   {:.4}   {:.4}   {:>7}",
                bin.low, bin.high, bin.mean_probability, bin.spike_share, bin.rows
            )?;
        }
    }
    writeln!(
        out,
        "\nforecast of volatility   QLIKE (lower is better)      rows   outcomes inside its 90 % interval   mean width   interval \
         score (bp/sqrt(s), lower is better)"
    )?;
    for forecast in &report.volatility {
        let known =
            |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |number| format!("{number:.4}"));
        let (name, qlike, rows) = (&forecast.name, forecast.qlike, forecast.rows);
        let (inside, width) = (known(forecast.coverage), known(forecast.mean_width_bp));
        let score = known(forecast.interval_score_bp);
        writeln!(out, "{name:<23}  {qlike:<23.4}  {rows:>8}   {inside:>33}   {width:>10}   {score:>14}")?;
    }
    if let Some(leakage) = &report.leakage {
        writeln!(
            out,
            "\nleakage, average precision of a {} (base rate {:.4}):",
            leakage.model, leakage.base_rate
        )?;
        writeln!(
            out,
            "  random split   {:.4}   (rows a few seconds apart on both sides: not a forecast)",
            leakage.random_split
        )?;
        writeln!(out, "  walk forward   {:.4}   (what later data give)", leakage.walk_forward)?;
    }
    for note in &report.notes {
        writeln!(out, "\nnote: {note}")?;
    }
    Ok(())
}
