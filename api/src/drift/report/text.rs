//! Writes the report for a terminal.

use std::fmt::Write;

use super::{ColumnReport, Report, histogram::digits};

pub(crate) fn text(report: &Report) -> String {
    let mut out = String::new();
    write_text(&mut out, report).expect("writing to a String cannot fail");
    out
}

fn write_text(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "reference: {}, {} rows", report.reference.source, report.reference.rows)?;
    writeln!(out, "current:   {}, {} rows", report.current.source, report.current.rows)?;
    writeln!(
        out,
        "{}: {} of {} columns ({:.3}; {} of them is drift of the whole)",
        if report.drift { "DRIFT" } else { "no drift" },
        report.drifted_columns,
        report.judged_columns,
        report.share_of_drifted_columns,
        report.drift_share
    )?;
    writeln!(
        out,
        "second opinion: {} of {} shifted by more than chance, of which {} may be false\n",
        report.shifted_columns, report.judged_columns, report.false_discoveries
    )?;
    let width = report.columns.iter().map(|column| column.name.len()).max().unwrap_or(0).max(6);
    writeln!(
        out,
        "{:width$}  {:<29}  {:>10}  {:>9}  {:<7} | {:>7}  {:>5}  {:>10}  {:<8}  {:>15}  {:>9}  {:<7} | missing, %",
        "column",
        "method",
        "score",
        "threshold",
        "drift",
        "effect",
        "gap",
        "mean by sd",
        "went",
        "rows that count",
        "q",
        "shifted"
    )?;
    for column in &report.columns {
        write_column(out, column, width)?;
    }
    for note in &report.notes {
        writeln!(out, "\nnote: {note}")?;
    }
    Ok(())
}

fn write_column(out: &mut String, column: &ColumnReport, width: usize) -> std::fmt::Result {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), digits);
    let yes =
        |value: Option<bool>, yes: &'static str| value.map_or("-", |value| if value { yes } else { "no" });
    write!(
        out,
        "{:width$}  {:<29}  {:>10}  {:>9}  {:<7} |",
        column.name,
        column.method_title.unwrap_or(column.status),
        number(column.score),
        number(column.threshold),
        yes(column.drifted, "DRIFT"),
    )?;
    match &column.second_opinion {
        Some(opinion) => write!(
            out,
            " {:>7.3}  {:>5.3}  {:>10}  {:<8}  {:>15}  {:>9}  {:<7}",
            opinion.effect,
            opinion.gap,
            opinion.mean_shift.map_or_else(|| "-".to_owned(), |shift| format!("{shift:+.3}")),
            opinion.direction,
            format!("{:.0} / {:.0}", opinion.reference_effective_rows, opinion.current_effective_rows),
            digits(opinion.false_discovery_rate),
            yes(Some(opinion.shifted), "yes"),
        )?,
        None => write!(
            out,
            " {:>7}  {:>5}  {:>10}  {:<8}  {:>15}  {:>9}  {:<7}",
            "-", "-", "-", "-", "-", "-", "-"
        )?,
    }
    let share = |side: &super::Summary| side.missing_share() * 100.0;
    let (before, now) = (share(&column.reference), share(&column.current));
    writeln!(out, " | {before:.1} / {now:.1}{}", if column.missing_changed { " CHANGED" } else { "" })
}
