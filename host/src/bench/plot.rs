//! A report as a picture: latency by percentile, and the rate over time, as one SVG file.
//!
//! The background is part of the picture, so that it looks the same on a light page and on a dark one.

use std::fmt::Write;

use super::report::Report;
use super::table::{grouped, time};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 400.0;

/// Where the panels begin and end, from top to bottom.
const TOP: f64 = 84.0;
const BOTTOM: f64 = 346.0;

const STYLE: &str = "text{font:12px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#4b5563}\
    .title{font-size:16px;font-weight:600;fill:#111827}.panel{font-size:13px;font-weight:600;fill:#1f2937}\
    .grid{stroke:#e5e7eb;stroke-width:1}.axis{stroke:#9ca3af;stroke-width:1}\
    .line{fill:none;stroke:#2563eb;stroke-width:2;stroke-linejoin:round}.area{fill:#2563eb;fill-opacity:.1}\
    .dot{fill:#2563eb;stroke:#fff;stroke-width:1.5}.value{font-weight:600;fill:#1e40af}\
    .mark{stroke:#9ca3af;stroke-width:1;stroke-dasharray:4 4}";

/// Beyond this many nines a percentile says nothing about a run of some minutes.
const MOST_NINES: f64 = 6.0;

/// Points of the line of latencies for each nine.
const FINENESS: f64 = 50.0;

/// Percentiles that are named, as far as there are some messages beyond them.
const NAMED: [(&str, f64); 6] =
    [("50%", 0.5), ("90%", 0.9), ("99%", 0.99), ("99.9%", 0.999), ("99.99%", 0.9999), ("99.999%", 0.999_99)];

/// The picture of a report.
#[must_use]
pub fn svg(report: &Report) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         role=\"img\"><style>{STYLE}</style><rect width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"8\" fill=\"#fff\"/>"
    );
    let headline = format!("{} — {}", report.url, report.what());
    text(&mut out, 24.0, 34.0, "class=\"title\"", &headline);
    latencies(&mut out, report);
    rates(&mut out, report);
    out.push_str("</svg>\n");
    out
}

/// An axis up the side: its end and how far its lines are apart.
struct Scale {
    end: f64,
    step: f64,
}

impl Scale {
    /// A scale with some five round lines that has room for the largest value.
    fn new(largest: f64) -> Scale {
        let rough = largest.max(f64::MIN_POSITIVE) / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|step| step * power >= rough).unwrap_or(10.0) * power;
        Scale { end: (largest / step).ceil().max(1.0) * step, step }
    }

    fn lines(&self) -> impl Iterator<Item = f64> {
        let count = (self.end / self.step).round() as u32;
        let step = self.step;
        (0..=count).map(move |line| f64::from(line) * step)
    }
}

/// One panel: its sides, and what its axes end with.
struct Panel {
    left: f64,
    right: f64,
    across: f64,
    up: Scale,
}

impl Panel {
    fn x(&self, value: f64) -> f64 {
        self.left + (self.right - self.left) * value / self.across
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * value / self.up.end
    }

    /// Its name and the lines of the axis up its side.
    fn frame(&self, out: &mut String, name: &str, label: impl Fn(f64) -> String) {
        text(out, self.left, TOP - 18.0, "class=\"panel\"", name);
        for value in self.up.lines() {
            let class = if value == 0.0 { "axis" } else { "grid" };
            line(out, class, (self.left, self.y(value)), (self.right, self.y(value)));
            text(out, self.left - 8.0, self.y(value) + 4.0, "text-anchor=\"end\"", &label(value));
        }
    }

    /// A mark on the axis below.
    fn mark(&self, out: &mut String, value: f64, label: &str) {
        let x = self.x(value);
        line(out, "axis", (x, BOTTOM), (x, BOTTOM + 5.0));
        text(out, x, BOTTOM + 20.0, "text-anchor=\"middle\"", label);
    }

    /// The line of some values, and the area below it.
    fn draw(&self, out: &mut String, values: &[(f64, f64)]) {
        let (Some((first, _)), Some((last, _))) = (values.first(), values.last()) else { return };
        let mut points = String::new();
        for (across, up) in values {
            let _written = write!(points, "{:.1},{:.1} ", self.x(*across), self.y(*up));
        }
        let points = points.trim_end();
        let (left, right) = (self.x(*first), self.x(*last));
        let _written = write!(
            out,
            "<polygon class=\"area\" points=\"{left:.1},{BOTTOM} {points} {right:.1},{BOTTOM}\"/>\
             <polyline class=\"line\" points=\"{points}\"/>"
        );
    }
}

/// Latency by percentile. Each nine more has the same room, as the rare ones are what matters.
fn latencies(out: &mut String, report: &Report) {
    let histogram = &report.histogram;
    let micros = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1e3;
    // Where the percentiles come to single messages they are only the maximum.
    let across = (histogram.len().max(10) as f64).log10().min(MOST_NINES);
    let up = Scale::new(histogram.max() as f64 / 1e3);
    let panel = Panel { left: 84.0, right: 560.0, across, up };
    panel.frame(out, "Latency by percentile", |micros| if micros == 0.0 { "0".to_owned() } else { time(micros) });
    if histogram.is_empty() {
        return text(out, 322.0, 215.0, "text-anchor=\"middle\"", "no replies");
    }
    let count = (across * FINENESS) as u32;
    let values: Vec<(f64, f64)> =
        (0..=count).map(|point| f64::from(point) / FINENESS).map(|nines| (nines, micros(quantile(nines)))).collect();
    panel.draw(out, &values);
    // The last nine is that of the maximum alone.
    let named = NAMED.map(|(name, quantile)| (name, -(1.0 - quantile).log10(), micros(quantile)));
    let named = named.into_iter().filter(|(_, nines, _)| *nines < across - 0.95);
    for (name, nines, value) in named.chain([("max", across, histogram.max() as f64 / 1e3)]) {
        let (x, y) = (panel.x(nines), panel.y(value));
        let _written = write!(out, "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>");
        panel.mark(out, nines, name);
        text(out, x, BOTTOM + 36.0, "class=\"value\" text-anchor=\"middle\"", &time(value));
    }
}

fn quantile(nines: f64) -> f64 {
    1.0 - 10_f64.powf(-nines)
}

/// Messages, or connections, a second over time.
fn rates(out: &mut String, report: &Report) {
    let values: Vec<(f64, f64)> =
        report.timeline.iter().map(|sample| (sample.seconds, sample.messages_per_second)).collect();
    let largest = values.iter().map(|(_, rate)| *rate).fold(1.0, f64::max);
    let across = values.last().map_or(1.0, |(seconds, _)| *seconds);
    let panel = Panel { left: 668.0, right: 972.0, across, up: Scale::new(largest) };
    let name = if report.mode == "connect" { "Connections per second" } else { "Messages per second" };
    if values.len() < 2 {
        text(out, panel.left, TOP - 18.0, "class=\"panel\"", name);
        return text(out, 820.0, 215.0, "text-anchor=\"middle\"", "the run was too short to tell");
    }
    panel.frame(out, name, grouped);
    let seconds = Scale::new(across);
    for second in seconds.lines().filter(|second| *second <= across) {
        let digits = if seconds.step < 0.1 { 2 } else { usize::from(seconds.step < 1.0) };
        panel.mark(out, second, &format!("{second:.digits$} s"));
    }
    panel.draw(out, &values);
    if report.warm_up_seconds > 0.0 && report.warm_up_seconds < across {
        let x = panel.x(report.warm_up_seconds);
        line(out, "mark", (x, TOP), (x, BOTTOM));
        text(out, x + 5.0, BOTTOM - 8.0, "", "measured from here");
    }
}

fn line(out: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _written = write!(out, "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>");
}

fn text(out: &mut String, x: f64, y: f64, attributes: &str, content: &str) {
    let content = content.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _written = write!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{content}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_has_some_round_lines_and_room_for_all() {
        for (largest, step, end) in [(5.0, 1.0, 5.0), (285_012.0, 100_000.0, 300_000.0), (0.8, 0.2, 0.8)] {
            let scale = Scale::new(largest);
            assert!((scale.step - step).abs() < step / 1e6, "{largest}: {}", scale.step);
            assert!((scale.end - end).abs() < end / 1e6, "{largest}: {}", scale.end);
        }
        assert!(Scale::new(0.0).lines().count() < 20);
    }
}
