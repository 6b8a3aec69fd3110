//! Writes the report for a terminal.

use std::fmt::Write;

use super::{
    Report, Scored,
    number::{decimal, signed},
};
use crate::{evaluate::judge::BLOCKS_MIN, text::grouped};

pub(crate) fn text(report: &Report) -> String {
    let mut out = String::new();
    write_text(&mut out, report).expect("writing to a String cannot fail");
    out
}

fn write_text(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "{}", report.data)?;
    writeln!(out, "event: within {} s, {}", report.horizon_s, report.event)?;
    writeln!(
        out,
        "judged: {} rows ({:.1} h of {}) in {} of {} s, base rate {:.4}; onset rows {}, base rate {:.4}\n",
        report.rows,
        report.symbol_hours,
        report.symbols.join(", "),
        blocks(report.blocks),
        report.block_s,
        report.base_rate,
        report.onset_rows,
        report.onset_base_rate
    )?;
    if let Some(Scored { rows, of_rows }) = report.scored {
        let [rows, of_rows] = [rows, of_rows].map(|count| grouped(count as f64));
        writeln!(out, "scored: {rows} of {of_rows} rows have a score\n")?;
    }
    write_folds(out, report)?;
    write_ladder(out, report)?;
    let width = name_width(report);
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
            "{:width$}  {:>11}  {:.4}  {:>8.2}  {:>6.3}  {:>17.3}  {:>12}  {:>7.1}",
            rung.name,
            decimal(Some(given.brier_skill), 4),
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
            "  random split   {}   (rows a few seconds apart on both sides: not a forecast)",
            decimal(leakage.random_split, 4)
        )?;
        let walk_forward = decimal(leakage.walk_forward, 4);
        writeln!(out, "  walk forward   {walk_forward}   (what later data give)")?;
    }
    for note in &report.notes {
        writeln!(out, "\nnote: {note}")?;
    }
    Ok(())
}

/// Writes a line for each fold. A recipe is trained in each; with a finished candidate, only the ladder is.
fn write_folds(out: &mut String, report: &Report) -> std::fmt::Result {
    let learned = if report.scored.is_none() { "learned from" } else { "ladder learned from" };
    writeln!(
        out,
        "{:<20}  {learned:>19}  {:>11}  {:>10}   average precision of {}",
        "walk forward", "judged by", "base rate", report.judged
    )?;
    for fold in &report.folds {
        writeln!(
            out,
            "{:<20}  {:>19}  {:>11}  {:>10.4}   {}",
            fold.from,
            fold.train_rows,
            fold.test_rows,
            fold.base_rate,
            decimal(fold.average_precision, 4)
        )?;
    }
    Ok(())
}

fn write_ladder(out: &mut String, report: &Report) -> std::fmt::Result {
    let width = name_width(report);
    writeln!(
        out,
        "\n{:width$}  average precision [90 %]     onset   recall at precision .5   .6   judged less this [90 %]      times",
        "ladder"
    )?;
    for rung in &report.rungs {
        let precision = decimal(rung.average_precision, 4);
        let ends = (rung.average_precision_low, rung.average_precision_high);
        let ends = interval(ends, report.blocks, |end| decimal(Some(end), 4));
        write!(
            out,
            "{:width$}  {:<23}    {:>7}   {:>12.4}  {:>12.4}",
            rung.name,
            format!("{precision} {ends}"),
            decimal(rung.onset_average_precision, 4),
            rung.recall_at_precision_50,
            rung.recall_at_precision_60,
        )?;
        match report.paired.iter().find(|paired| paired.against == rung.name) {
            Some(paired) => {
                let ends = (paired.difference_low, paired.difference_high);
                let difference = interval(ends, report.blocks, |end| signed(Some(end), 4));
                let ends = (paired.ratio_low, paired.ratio_high);
                let ratio = interval(ends, report.blocks, |end| decimal(Some(end), 3));
                let (less, times) = (signed(paired.difference, 4), decimal(paired.ratio, 3));
                writeln!(out, "   {less} {difference}   {times} {ratio}")?;
            }
            None => writeln!(out)?,
        }
    }
    Ok(())
}

/// An interval whose ends are written by `write`, or `n/a` with the reason.
fn interval(ends: (Option<f64>, Option<f64>), count: usize, write: impl Fn(f64) -> String) -> String {
    match ends {
        (Some(low), Some(high)) => format!("[{}, {}]", write(low), write(high)),
        _ if count < BLOCKS_MIN => format!("n/a ({})", blocks(count)),
        _ => "n/a".to_owned(),
    }
}

fn blocks(count: usize) -> String {
    if count == 1 { "1 block".to_owned() } else { format!("{count} blocks") }
}

fn name_width(report: &Report) -> usize {
    report.rungs.iter().map(|rung| rung.name.len()).max().unwrap_or(0)
}
