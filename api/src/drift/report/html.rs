//! Writes the report as one HTML page that loads nothing and needs no script.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{ColumnReport, Report, Summary, histogram::digits, text};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}\
.cards{display:flex;flex-wrap:wrap;gap:1rem}.card{background:#f6f6f4;padding:.6rem 1rem;border-radius:6px}\
.card b{display:block;font-size:1.5rem}.drift{color:#c0392b}table{border-collapse:collapse;width:100%;font-size:13px}\
td,th{padding:.25rem .5rem;text-align:right;border-bottom:1px solid #ddd;vertical-align:middle}\
td:first-child,th:first-child,.left{text-align:left}svg{width:180px;height:44px;display:block}summary{cursor:pointer}\
pre{overflow-x:auto;background:#f6f6f4;padding:1rem;font-size:11px;line-height:1.35}.was{fill:#9a9a9a}.is{fill:#c0392b}\
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}pre,.card{background:#222}td,th{border-color:#333}}";

pub(crate) fn html(report: &Report) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "Drift of " (report.current.source) }
                meta name="viewport" content="width=device-width";
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 {
                    @if report.drift { span class="drift" { "Drift is detected" } }
                    @else { "Drift is not detected" }
                }
                p {
                    "Reference: " (report.reference.source) ", " (report.reference.rows) " rows. Current: "
                    (report.current.source) ", " (report.current.rows) " rows. " (report.drift_share)
                    " of the columns drifted is drift of the whole."
                }
                div class="cards" {
                    (card(&report.judged_columns.to_string(), "columns"))
                    (card(&report.drifted_columns.to_string(), "drifted"))
                    (card(&format!("{:.3}", report.share_of_drifted_columns), "share of drifted columns"))
                    (card(&report.shifted_columns.to_string(), "shifted by the second opinion"))
                }
                h2 { "Columns" }
                p {
                    (legend())
                    " Bars lie between the hundredth and the ninety-ninth of a hundred values; what is beyond is in the outer \
                     ones."
                }
                table {
                    (columns_head())
                    @for column in &report.columns { (row(column)) }
                }
                p {
                    "Up to " i { "drift" } " the numbers are Evidently's. Behind it is the second opinion: the effect is how much \
                     more often a current value is above a reference value than below it (of words the total variation); the \
                     gap is the greatest between both distribution functions; the rows that count are how many independent \
                     rows those here are worth, because neighbours share most of what they measure; q is the share of false \
                     discoveries among columns with so small a p-value."
                }
                @for column in &report.columns { (details(column)) }
                @for note in &report.notes { p { "Note: " (note) } }
                details { summary { "The same as text" } pre { (text(report)) } }
            }
        }
    };
    page.into_string()
}

fn card(number: &str, name: &str) -> Markup {
    html! { div class="card" { b { (number) } (name) } }
}

fn legend() -> Markup {
    html! {
        svg viewBox="0 0 180 20" style="height:20px;display:inline" {
            rect class="was" y="4" width="12" height="12" {}
            text x="16" y="15" font-size="13" fill="currentColor" { "reference" }
            rect class="is" x="84" y="4" width="12" height="12" {}
            text x="100" y="15" font-size="13" fill="currentColor" { "current" }
        }
    }
}

fn columns_head() -> Markup {
    html! {
        tr {
            th { "column" }
            th class="left" { "distributions" }
            th class="left" { "method" }
            @for name in ["score", "threshold", "drift", "effect", "gap"] { th { (name) } }
            th class="left" { "went" }
            @for name in ["rows that count", "q", "shifted"] { th { (name) } }
        }
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), digits)
}

fn row(column: &ColumnReport) -> Markup {
    html! {
        tr {
            td { (column.name) }
            td { (bars(column)) }
            td class="left" { (column.method_title.unwrap_or(column.status)) }
            td { (number(column.score)) }
            td { (number(column.threshold)) }
            td {
                @match column.drifted {
                    Some(true) => b class="drift" { "drift" },
                    Some(false) => "no",
                    None => "-",
                }
            }
            @match &column.second_opinion {
                Some(opinion) => {
                    td { (format!("{:+.3}", opinion.effect)) }
                    td { (format!("{:.3}", opinion.gap)) }
                    td class="left" { (opinion.direction) }
                    td {
                        (format!("{:.0} / {:.0}", opinion.reference_effective_rows, opinion.current_effective_rows))
                    }
                    td { (digits(opinion.false_discovery_rate)) }
                    td { @if opinion.shifted { "yes" } @else { "no" } }
                }
                None => @for _ in 0..6 { td { "-" } },
            }
        }
    }
}

fn details(column: &ColumnReport) -> Markup {
    let names = [
        "", "rows", "missing", "infinite", "mean", "sd", "min", "10 %", "25 %", "median", "75 %", "90 %",
        "max",
    ];
    html! {
        details {
            summary { (column.name) }
            table {
                tr { @for name in names { th { (name) } } }
                (side_row("reference", &column.reference))
                (side_row("current", &column.current))
            }
        }
    }
}

fn side_row(name: &str, side: &Summary) -> Markup {
    let Summary { rows, missing, infinite, mean, deviation, min, p10, p25, median, p75, p90, max, .. } = side;
    html! {
        tr {
            td { (name) }
            @for count in [rows, missing, infinite] { td { (count) } }
            @for value in [mean, deviation, min, p10, p25, median, p75, p90, max] { td { (number(*value)) } }
        }
    }
}

/// Two bars for each bin, side by side.
fn bars(column: &ColumnReport) -> Markup {
    let histogram = &column.histogram;
    let highest = histogram.bars.iter().map(|&(one, other)| one.max(other)).fold(0.0, f64::max);
    if highest <= 0.0 {
        return html! { "-" };
    }
    let width = 180.0 / histogram.bars.len() as f64;
    html! {
        svg viewBox="0 0 180 44" role="img" aria-label=(format!("distributions of {}", column.name)) {
            title { (histogram.first) " to " (histogram.last) }
            @for (place, &(was, is)) in histogram.bars.iter().enumerate() {
                @for (class, share, offset) in [("was", was, 0.0), ("is", is, 0.5)] {
                    @let height = 42.0 * share / highest;
                    rect class=(class) x=(format!("{:.1}", (place as f64 + offset) * width))
                        y=(format!("{:.1}", 43.0 - height)) width=(format!("{:.1}", width * 0.46))
                        height=(format!("{height:.1}")) {}
                }
            }
        }
    }
}
