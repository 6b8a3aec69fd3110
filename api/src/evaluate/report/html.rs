//! The report as one page that needs nothing else.

use std::fmt::Write;

use super::{Report, plot, text};
use crate::html::escape;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\
pre{overflow-x:auto;background:#f6f6f4;padding:1rem;font-size:12px;line-height:1.35}svg{width:100%;height:auto}\
h2{margin-top:2rem}.grid{stroke:#ddd}.axis{fill:#555;font-size:11px}figcaption{color:#555}\
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}pre{background:#222}.grid{stroke:#333}\
.axis,figcaption{fill:#aaa;color:#aaa}}";

/// The page: the tables, and the plots drawn in place.
pub(crate) fn html(report: &Report) -> String {
    let mut out = String::new();
    write_html(&mut out, report).expect("writing to a String cannot fail");
    out
}

fn write_html(out: &mut String, report: &Report) -> std::fmt::Result {
    let judged = escape(&report.judged);
    writeln!(
        out,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Evaluation of {judged}</title>"
    )?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style>")?;
    writeln!(out, "<h1>Evaluation of {judged}</h1><pre>{}</pre>", escape(&text(report)))?;
    figure(
        out,
        "Precision and recall",
        &plot::precision_recall(report),
        "Upper right is better; the dashed line is a random score.",
    )?;
    figure(
        out,
        "Reliability",
        &plot::reliability(report),
        "On the diagonal, what was said is what happened; the area of a point is its rows.",
    )?;
    figure(
        out,
        "Volatility",
        &plot::timeline(report),
        "Basis points per square-root second of the horizon after each instant, the highest of each stretch; below it the probability given.",
    )
}

fn figure(out: &mut String, title: &str, svg: &str, caption: &str) -> std::fmt::Result {
    writeln!(out, "<h2>{title}</h2><figure>{svg}<figcaption>{caption}</figcaption></figure>")
}
