//! Writes the report as one HTML page that loads nothing.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Report, plot, text};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\
pre{overflow-x:auto;background:#f6f6f4;padding:1rem;font-size:12px;line-height:1.35}svg{width:100%;height:auto}\
h2{margin-top:2rem}.grid{stroke:#ddd}.axis{fill:#555;font-size:11px}figcaption{color:#555}\
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}pre{background:#222}.grid{stroke:#333}\
.axis,figcaption{fill:#aaa;color:#aaa}}";

/// The page has the text tables, and plots as inline SVG.
pub(crate) fn html(report: &Report) -> String {
    let title = html! { "Evaluation of " (report.judged) };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) }
                meta name="viewport" content="width=device-width";
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                pre { (text(report)) }
                (figure(
                    "Precision and recall",
                    plot::precision_recall(report),
                    "Upper right is better; the dashed line is a random score.",
                ))
                (figure(
                    "Reliability",
                    plot::reliability(report),
                    "On the diagonal, what was said is what happened; the area of a point is its rows.",
                ))
                (figure(
                    "Volatility",
                    plot::timeline(report),
                    "Basis points per square-root second of the horizon after each instant, the highest of each stretch; \
                     below it the probability given.",
                ))
            }
        }
    };
    page.into_string()
}

fn figure(title: &str, svg: Markup, caption: &str) -> Markup {
    html! {
        h2 { (title) }
        figure { (svg) figcaption { (caption) } }
    }
}
