//! Draws the plots as SVG.

use std::fmt::Write;

use maud::{Markup, html};

use super::{Moment, Report, number::decimal};
use crate::evaluate::time_text;

const COLOURS: [&str; 7] = ["#9a9a9a", "#7a9cc6", "#b48a5a", "#4f9d69", "#c0392b", "#7d5ba6", "#d4a017"];
/// Most points on the time axis; more would be indistinguishable.
const TIME_POINTS_MAX: usize = 600;

/// A box of pixels in which both axes go from 0 to 1.
struct Plane {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Plane {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.left + self.width * x, self.top + self.height * (1.0 - y.clamp(0.0, 1.0)))
    }

    fn grid(&self, x_name: &str, y_name: &str) -> Markup {
        let (right, bottom) = (self.left + self.width, self.top + self.height);
        let middle = self.left + self.width / 2.0;
        html! {
            @for step in 0..=5 {
                @let share = f64::from(step) / 5.0;
                @let (x, y) = (self.at(share, 0.0).0, self.at(0.0, share).1);
                path class="grid" d=(format!("M{:.1} {y:.1}H{right:.1}M{x:.1} {:.1}V{bottom:.1}", self.left, self.top)) {}
                (axis_text(self.left - 6.0, y + 4.0, Some("end"), &format!("{share:.1}")))
                (axis_text(x, bottom + 16.0, Some("middle"), &format!("{share:.1}")))
            }
            (axis_text(middle, bottom + 34.0, Some("middle"), x_name))
            (axis_text(self.left, self.top - 6.0, None, y_name))
        }
    }

    fn line(&self, points: impl Iterator<Item = (f64, f64)>, stroke: &Stroke) -> Markup {
        let mut path = String::new();
        for (x, y) in points.filter(|(x, y)| x.is_finite() && y.is_finite()) {
            let (x, y) = self.at(x, y);
            let _ = write!(path, "{}{x:.1} {y:.1}", if path.is_empty() { 'M' } else { 'L' });
        }
        stroke.along(&path)
    }
}

/// Style of a line: SVG's attributes of these names.
struct Stroke {
    colour: &'static str,
    width: Option<&'static str>,
    dasharray: Option<&'static str>,
    opacity: Option<&'static str>,
}

const fn solid(colour: &'static str) -> Stroke {
    Stroke { colour, width: None, dasharray: None, opacity: None }
}

impl Stroke {
    fn along(&self, path: &str) -> Markup {
        html! {
            path d=(path) fill="none" stroke=(self.colour) stroke-width=[self.width]
                stroke-dasharray=[self.dasharray] stroke-opacity=[self.opacity] {}
        }
    }
}

/// A reference line.
const DASHED: Stroke = Stroke { dasharray: Some("4 4"), ..solid("#888") };

fn axis_text(x: f64, y: f64, anchor: Option<&str>, text: &str) -> Markup {
    html! {
        text class="axis" x=(format!("{x:.1}")) y=(format!("{y:.1}")) text-anchor=[anchor] { (text) }
    }
}

fn svg(width: u32, height: u32, name: &str, content: &Markup) -> Markup {
    html! {
        svg viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(name) { (content) }
    }
}

/// The precision-recall curve of each rung.
pub(super) fn precision_recall(report: &Report) -> Markup {
    let plane = Plane { left: 50.0, top: 24.0, width: 460.0, height: 340.0 };
    let rate = report.base_rate;
    let content = html! {
        (plane.grid("recall", "precision"))
        (plane.line([(0.0, rate), (1.0, rate)].into_iter(), &DASHED))
        @for (place, rung) in report.rungs.iter().enumerate() {
            @let stroke = Stroke { width: Some("2"), ..solid(COLOURS[place % COLOURS.len()]) };
            @let y = 40.0 + 20.0 * place as f64;
            (plane.line(rung.curve.iter().copied(), &stroke))
            (stroke.along(&format!("M525 {y}h18")))
            (axis_text(550.0, y + 4.0, None, &format!("{} {}", rung.name, decimal(rung.average_precision, 3))))
        }
    };
    svg(760, 420, "precision against recall", &content)
}

/// The table of the judged rung as points.
pub(super) fn reliability(report: &Report) -> Markup {
    let plane = Plane { left: 50.0, top: 24.0, width: 460.0, height: 340.0 };
    let judged = report.rungs.iter().find(|rung| rung.name == report.judged);
    let bins = judged.and_then(|rung| rung.calibrated.as_ref()).map(|given| given.reliability.iter());
    let content = html! {
        (plane.grid("probability given", "share of spikes"))
        (plane.line([(0.0, 0.0), (1.0, 1.0)].into_iter(), &DASHED))
        @for bin in bins.into_iter().flatten().filter(|bin| bin.rows > 0) {
            @let (x, y) = plane.at(bin.mean_probability, bin.spike_share);
            @let radius = 3.0 + 24.0 * (bin.rows as f64 / report.rows.max(1) as f64).sqrt();
            circle cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r=(format!("{radius:.1}")) fill=(COLOURS[4])
                fill-opacity=".5" {}
        }
    };
    svg(760, 420, "share of spikes against the probability given", &content)
}

/// Realised against forecast volatility over time, and the probability.
pub(super) fn timeline(report: &Report) -> Markup {
    let name = "realised and forecast volatility over time";
    let (Some(first), Some(last)) = (report.moments.first(), report.moments.last()) else {
        return svg(760, 430, name, &html! {});
    };
    let span = (last.time_s - first.time_s).max(1) as f64;
    let x = |moment: &Moment| (moment.time_s - first.time_s) as f64 / span;
    let size = report.moments.len().div_ceil(TIME_POINTS_MAX).max(1);
    let series = |of: &dyn Fn(&Moment) -> f64| -> Vec<(f64, f64)> {
        let highest = |stretch: &[Moment]| (x(&stretch[0]), stretch.iter().map(of).fold(f64::NAN, f64::max));
        report.moments.chunks(size).map(highest).collect()
    };
    let realised = series(&|moment| moment.realised_bp);
    let highest = realised.iter().map(|point| point.1).fold(f64::MIN_POSITIVE, f64::max);
    let upper = Plane { left: 50.0, top: 24.0, width: 690.0, height: 230.0 };
    let lower = Plane { left: 50.0, top: 300.0, width: 690.0, height: 90.0 };
    let scaled = |points: Vec<(f64, f64)>| points.into_iter().map(move |(x, y)| (x, y / highest));
    let interval = Stroke { opacity: Some(".35"), ..solid("#c0392b") };
    let forecast = Stroke { width: Some("1.3"), ..solid("#c0392b") };
    let threshold = Stroke { dasharray: Some("4 3"), ..solid("#4f9d69") };
    let symbol = report.symbols.first().map_or("", String::as_str);
    let legend = format!(
        "{symbol}: realised (grey), forecast served and the ends of its interval (red), threshold (green); top is \
         {highest:.2} bp"
    );
    let content = html! {
        (upper.line(scaled(realised), &solid("#9a9a9a")))
        (upper.line(scaled(series(&|moment| moment.low_bp)), &interval))
        (upper.line(scaled(series(&|moment| moment.high_bp)), &interval))
        (upper.line(scaled(series(&|moment| moment.forecast_bp)), &forecast))
        (upper.line(scaled(series(&|moment| moment.tau_bp)), &threshold))
        (lower.line(
            series(&|moment| moment.probability.unwrap_or(f64::NAN)).into_iter(),
            &solid("#c0392b"),
        ))
        (lower.line([(0.0, report.threshold), (1.0, report.threshold)].into_iter(), &DASHED))
        (axis_text(50.0, 16.0, None, &legend))
        (axis_text(50.0, 292.0, None, "probability, and the threshold of an alert"))
        (axis_text(50.0, 412.0, None, &time_text(first.time_s)))
        (axis_text(740.0, 412.0, Some("end"), &time_text(last.time_s)))
    };
    svg(760, 430, name, &content)
}
