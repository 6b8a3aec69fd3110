//! The report as one page that needs nothing else, not even a script.

use std::fmt::Write;

use super::{ColumnReport, Report, Summary, histogram::digits, text};
use crate::html::escape;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}\
.cards{display:flex;flex-wrap:wrap;gap:1rem}.card{background:#f6f6f4;padding:.6rem 1rem;border-radius:6px}\
.card b{display:block;font-size:1.5rem}.drift{color:#c0392b}table{border-collapse:collapse;width:100%;font-size:13px}\
td,th{padding:.25rem .5rem;text-align:right;border-bottom:1px solid #ddd;vertical-align:middle}\
td:first-child,th:first-child,.left{text-align:left}svg{width:180px;height:44px;display:block}summary{cursor:pointer}\
pre{overflow-x:auto;background:#f6f6f4;padding:1rem;font-size:11px;line-height:1.35}.was{fill:#9a9a9a}.is{fill:#c0392b}\
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}pre,.card{background:#222}td,th{border-color:#333}}";

/// The page.
pub(crate) fn html(report: &Report) -> String {
    let mut out = String::new();
    write_html(&mut out, report).expect("writing to a String cannot fail");
    out
}

fn write_html(out: &mut String, report: &Report) -> std::fmt::Result {
    let (reference, current) = (escape(&report.reference.source), escape(&report.current.source));
    writeln!(
        out,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Drift of {current}</title>"
    )?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style>")?;
    let verdict =
        if report.drift { "<span class=\"drift\">Drift is detected</span>" } else { "Drift is not detected" };
    writeln!(out, "<h1>{verdict}</h1>")?;
    writeln!(
        out,
        "<p>Reference: {reference}, {} rows. Current: {current}, {} rows. {} of the columns drifted is drift of the \
         whole.</p>",
        report.reference.rows, report.current.rows, report.drift_share
    )?;
    writeln!(
        out,
        "<div class=\"cards\"><div class=\"card\"><b>{}</b>columns</div><div class=\"card\"><b>{}</b>drifted</div>\
         <div class=\"card\"><b>{:.3}</b>share of drifted columns</div><div class=\"card\"><b>{}</b>shifted by the second \
         opinion</div></div>",
        report.judged_columns,
        report.drifted_columns,
        report.share_of_drifted_columns,
        report.shifted_columns
    )?;
    writeln!(
        out,
        "<h2>Columns</h2><p><svg viewBox=\"0 0 180 20\" style=\"height:20px;display:inline\"><rect class=\"was\" y=\"4\" \
         width=\"12\" height=\"12\"/><text x=\"16\" y=\"15\" font-size=\"13\" fill=\"currentColor\">reference</text><rect \
         class=\"is\" x=\"84\" y=\"4\" width=\"12\" height=\"12\"/><text x=\"100\" y=\"15\" font-size=\"13\" \
         fill=\"currentColor\">current</text></svg> Bars lie between the hundredth and the ninety-ninth of a hundred \
         values; what is beyond is in the outer ones.</p>"
    )?;
    writeln!(
        out,
        "<table><tr><th>column<th class=\"left\">distributions<th class=\"left\">method<th>score<th>threshold<th>drift\
         <th>effect<th>gap<th class=\"left\">went<th>rows that count<th>q<th>shifted"
    )?;
    for column in &report.columns {
        write_row(out, column)?;
    }
    writeln!(out, "</table>")?;
    writeln!(
        out,
        "<p>Up to <i>drift</i> the numbers are Evidently's. Behind it is the second opinion: the effect is how much more \
         often a current value is above a reference value than below it (of words the total variation); the gap is the \
         greatest between both distribution functions; the rows that count are how many independent rows those here are \
         worth, because neighbours share most of what they measure; q is the share of false discoveries among columns with \
         so small a p-value.</p>"
    )?;
    for column in &report.columns {
        write_details(out, column)?;
    }
    for note in &report.notes {
        writeln!(out, "<p>Note: {}</p>", escape(note))?;
    }
    writeln!(
        out,
        "<details><summary>The same as text</summary><pre>{}</pre></details>",
        escape(&text(report))
    )
}

fn write_row(out: &mut String, column: &ColumnReport) -> std::fmt::Result {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), digits);
    let drifted = match column.drifted {
        Some(true) => "<b class=\"drift\">drift</b>",
        Some(false) => "no",
        None => "-",
    };
    write!(
        out,
        "<tr><td>{}<td>{}<td class=\"left\">{}<td>{}<td>{}<td>{drifted}",
        escape(&column.name),
        bars(column),
        column.method_title.unwrap_or(column.status),
        number(column.score),
        number(column.threshold),
    )?;
    match &column.second_opinion {
        Some(opinion) => writeln!(
            out,
            "<td>{:+.3}<td>{:.3}<td class=\"left\">{}<td>{:.0} / {:.0}<td>{}<td>{}",
            opinion.effect,
            opinion.gap,
            opinion.direction,
            opinion.reference_effective_rows,
            opinion.current_effective_rows,
            digits(opinion.false_discovery_rate),
            if opinion.shifted { "yes" } else { "no" }
        ),
        None => writeln!(out, "<td>-<td>-<td>-<td>-<td>-<td>-"),
    }
}

fn write_details(out: &mut String, column: &ColumnReport) -> std::fmt::Result {
    writeln!(
        out,
        "<details><summary>{}</summary><table><tr><th><th>rows<th>missing<th>infinite<th>mean<th>sd<th>min<th>10 %<th>25 %<th>median<th>75 %<th>90 %<th>max",
        escape(&column.name)
    )?;
    for (name, side) in [("reference", &column.reference), ("current", &column.current)] {
        let Summary {
            rows, missing, infinite, mean, deviation, min, p10, p25, median, p75, p90, max, ..
        } = side;
        write!(out, "<tr><td>{name}<td>{rows}<td>{missing}<td>{infinite}")?;
        for value in [mean, deviation, min, p10, p25, median, p75, p90, max] {
            write!(out, "<td>{}", value.map_or_else(|| "-".to_owned(), digits))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "</table></details>")
}

/// Two bars for each place, from one ground.
fn bars(column: &ColumnReport) -> String {
    let histogram = &column.histogram;
    let highest = histogram.bars.iter().map(|&(one, other)| one.max(other)).fold(0.0, f64::max);
    if highest <= 0.0 {
        return "-".to_owned();
    }
    let mut out = format!(
        "<svg viewBox=\"0 0 180 44\" role=\"img\" aria-label=\"distributions of {}\"><title>{} to {}</title>",
        escape(&column.name),
        escape(&histogram.first),
        escape(&histogram.last)
    );
    let width = 180.0 / histogram.bars.len() as f64;
    for (place, &(was, is)) in histogram.bars.iter().enumerate() {
        for (class, share, offset) in [("was", was, 0.0), ("is", is, 0.5)] {
            let height = 42.0 * share / highest;
            let _ = write!(
                out,
                "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
                (place as f64 + offset) * width,
                43.0 - height,
                width * 0.46
            );
        }
    }
    out + "</svg>"
}
