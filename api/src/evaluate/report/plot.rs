//! The plots, as SVG.

use std::fmt::Write;

use super::{Moment, Report, number::decimal};
use crate::evaluate::time_text;
use crate::html::escape;

const COLOURS: [&str; 7] = ["#9a9a9a", "#7a9cc6", "#b48a5a", "#4f9d69", "#c0392b", "#7d5ba6", "#d4a017"];
/// Places on the time axis: as many as can be told apart.
const STRETCHES: usize = 600;

/// A plane from 0 to 1 both ways in a box of pixels.
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

    fn grid(&self, out: &mut String, x_name: &str, y_name: &str) {
        for step in 0..=5 {
            let share = f64::from(step) / 5.0;
            let ((x, _), (_, y)) = (self.at(share, 0.0), self.at(0.0, share));
            let (right, bottom) = (self.left + self.width, self.top + self.height);
            let _ = write!(
                out,
                "<path class=\"grid\" d=\"M{:.1} {y:.1}H{right:.1}M{x:.1} {:.1}V{bottom:.1}\"/>\
                 <text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{share:.1}</text>\
                 <text class=\"axis\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{share:.1}</text>",
                self.left,
                self.top,
                self.left - 6.0,
                y + 4.0,
                bottom + 16.0
            );
        }
        let _ = write!(
            out,
            "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{x_name}</text>\
             <text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\">{y_name}</text>",
            self.left + self.width / 2.0,
            self.top + self.height + 34.0,
            self.left,
            self.top - 6.0
        );
    }

    fn line(&self, out: &mut String, points: impl Iterator<Item = (f64, f64)>, style: &str) {
        let mut path = String::new();
        for (x, y) in points.filter(|(x, y)| x.is_finite() && y.is_finite()) {
            let (x, y) = self.at(x, y);
            let _ = write!(path, "{}{x:.1} {y:.1}", if path.is_empty() { 'M' } else { 'L' });
        }
        let _ = write!(out, "<path d=\"{path}\" fill=\"none\" {style}/>");
    }
}

fn svg(width: u32, height: u32, name: &str) -> String {
    format!("<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{name}\">")
}

/// A curve for each rung.
pub(super) fn precision_recall(report: &Report) -> String {
    let mut out = svg(760, 420, "precision against recall");
    let plane = Plane { left: 50.0, top: 24.0, width: 460.0, height: 340.0 };
    plane.grid(&mut out, "recall", "precision");
    let rate = report.base_rate;
    plane.line(&mut out, [(0.0, rate), (1.0, rate)].into_iter(), "stroke=\"#888\" stroke-dasharray=\"4 4\"");
    for (place, rung) in report.rungs.iter().enumerate() {
        let colour = COLOURS[place % COLOURS.len()];
        let style = format!("stroke=\"{colour}\" stroke-width=\"2\"");
        plane.line(&mut out, rung.curve.iter().copied(), &style);
        let y = 40.0 + 20.0 * place as f64;
        let precision = decimal(rung.average_precision, 3);
        let _ = write!(
            out,
            "<path d=\"M525 {y}h18\" {style}/><text class=\"axis\" x=\"550\" y=\"{:.1}\">{} {precision}</text>",
            y + 4.0,
            escape(&rung.name),
        );
    }
    out + "</svg>"
}

/// The table of the judged rung as points.
pub(super) fn reliability(report: &Report) -> String {
    let mut out = svg(760, 420, "share of spikes against the probability given");
    let plane = Plane { left: 50.0, top: 24.0, width: 460.0, height: 340.0 };
    plane.grid(&mut out, "probability given", "share of spikes");
    plane.line(&mut out, [(0.0, 0.0), (1.0, 1.0)].into_iter(), "stroke=\"#888\" stroke-dasharray=\"4 4\"");
    let judged = report.rungs.iter().find(|rung| rung.name == report.judged);
    if let Some(given) = judged.and_then(|rung| rung.calibrated.as_ref()) {
        for bin in given.reliability.iter().filter(|bin| bin.rows > 0) {
            let (x, y) = plane.at(bin.mean_probability, bin.spike_share);
            let radius = 3.0 + 24.0 * (bin.rows as f64 / report.rows.max(1) as f64).sqrt();
            let _ = write!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{}\" fill-opacity=\".5\"/>",
                COLOURS[4]
            );
        }
    }
    out + "</svg>"
}

/// Realised against forecast volatility over time, and the probability.
pub(super) fn timeline(report: &Report) -> String {
    let mut out = svg(760, 430, "realised and forecast volatility over time");
    let (Some(first), Some(last)) = (report.moments.first(), report.moments.last()) else {
        return out + "</svg>";
    };
    let span = (last.time_s - first.time_s).max(1) as f64;
    let x = |moment: &Moment| (moment.time_s - first.time_s) as f64 / span;
    let size = report.moments.len().div_ceil(STRETCHES).max(1);
    let series = |of: &dyn Fn(&Moment) -> f64| -> Vec<(f64, f64)> {
        let highest = |stretch: &[Moment]| (x(&stretch[0]), stretch.iter().map(of).fold(f64::NAN, f64::max));
        report.moments.chunks(size).map(highest).collect()
    };
    let realised = series(&|moment| moment.realised_bp);
    let highest = realised.iter().map(|point| point.1).fold(f64::MIN_POSITIVE, f64::max);
    let upper = Plane { left: 50.0, top: 24.0, width: 690.0, height: 230.0 };
    let lower = Plane { left: 50.0, top: 300.0, width: 690.0, height: 90.0 };
    let scaled = |points: Vec<(f64, f64)>| points.into_iter().map(move |(x, y)| (x, y / highest));
    upper.line(&mut out, scaled(realised), "stroke=\"#9a9a9a\"");
    for end in [|moment: &Moment| moment.low_bp, |moment: &Moment| moment.high_bp] {
        upper.line(&mut out, scaled(series(&end)), "stroke=\"#c0392b\" stroke-opacity=\".35\"");
    }
    upper.line(
        &mut out,
        scaled(series(&|moment| moment.forecast_bp)),
        "stroke=\"#c0392b\" stroke-width=\"1.3\"",
    );
    upper.line(
        &mut out,
        scaled(series(&|moment| moment.tau_bp)),
        "stroke=\"#4f9d69\" stroke-dasharray=\"4 3\"",
    );
    lower.line(
        &mut out,
        series(&|moment| moment.probability.unwrap_or(f64::NAN)).into_iter(),
        "stroke=\"#c0392b\"",
    );
    lower.line(
        &mut out,
        [(0.0, report.threshold), (1.0, report.threshold)].into_iter(),
        "stroke=\"#888\" stroke-dasharray=\"4 4\"",
    );
    let symbol = report.symbols.first().map_or("", String::as_str);
    let _ = write!(
        out,
        "<text class=\"axis\" x=\"50\" y=\"16\">{}: realised (grey), forecast served and the ends of its interval (red), threshold (green); top is {highest:.2} bp</text>\
         <text class=\"axis\" x=\"50\" y=\"292\">probability, and the threshold of an alert</text>\
         <text class=\"axis\" x=\"50\" y=\"412\">{}</text><text class=\"axis\" x=\"740\" y=\"412\" text-anchor=\"end\">{}</text>",
        escape(symbol),
        time_text(first.time_s),
        time_text(last.time_s),
    );
    out + "</svg>"
}
