//! Plots as SVG, made of text. Colours are the page's, by class.

use super::{grouped, milliseconds};
use crate::meter::Percentiles;

const WIDTH: f64 = 760.0;
/// What is left of a plot's area for labels.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;

/// Numbers along one side of a plot.
#[derive(Debug, Clone, Copy)]
pub(super) enum Axis {
    /// From 0.
    Linear { max: f64, step: f64 },
    /// Equal ratios have equal lengths.
    Log { min: f64, max: f64 },
}

impl Axis {
    /// One from 0 that these values fit into.
    pub(super) fn linear(values: impl Iterator<Item = f64>) -> Self {
        let max = values.fold(0.0, f64::max);
        let step = step_for(max);
        Self::Linear { max: ((max / step).ceil() * step).max(step), step }
    }

    /// Whole powers of ten around these values.
    pub(super) fn log(values: impl Iterator<Item = f64>) -> Self {
        let (mut min, mut max) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|value| *value > 0.0) {
            (min, max) = (min.min(value), max.max(value));
        }
        if !min.is_finite() {
            (min, max) = (1.0, 10.0);
        }
        let (low, high) = (min.log10().floor(), max.log10().ceil());
        Self::Log { min: 10_f64.powf(low), max: 10_f64.powf(high.max(low + 1.0)) }
    }

    /// Where a value is: 0 at the beginning, 1 at the end.
    fn place(self, value: f64) -> f64 {
        let place = match self {
            Self::Linear { max, .. } => value / max,
            Self::Log { min, max } => (value.max(min) / min).log10() / (max / min).log10(),
        };
        place.clamp(0.0, 1.0)
    }

    /// Values that are worth a line.
    fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear { max, step } => (0..=(max / step + 1e-9).floor() as u32)
                .map(|number| f64::from(number) * step)
                .collect(),
            Self::Log { min, max } => {
                let powers = (max / min).log10().round() as i32;
                (0..=powers).map(|power| min * 10_f64.powi(power)).collect()
            }
        }
    }
}

/// 1, 2 or 5 times a power of ten, so that about five of them fit.
fn step_for(max: f64) -> f64 {
    if max <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf((max / 5.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let step = steps.into_iter().find(|step| max / (power * step) <= 5.5);
    power * step.unwrap_or(10.0)
}

/// A line of a plot over time; where it is broken, a new part begins.
pub(super) struct Series {
    /// What it is.
    pub(super) name: &'static str,
    /// The colour, as the page calls it.
    pub(super) colour: &'static str,
    /// Seconds and values.
    pub(super) parts: Vec<Vec<(f64, f64)>>,
}

impl Series {
    pub(super) fn values(&self) -> impl Iterator<Item = f64> {
        self.parts.iter().flatten().map(|(_, value)| *value)
    }
}

/// A stretch of time that has a name.
pub(super) struct Band {
    pub(super) name: String,
    pub(super) from_s: f64,
    pub(super) to_s: f64,
}

/// Text that can't be taken for a tag.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Lines over the time of the run.
pub(super) fn over_time(
    title: &str,
    unit: &str,
    axis: Axis,
    seconds: f64,
    bands: &[Band],
    series: &[Series],
) -> String {
    const TOP: f64 = 46.0;
    const HEIGHT: f64 = 150.0;
    let max = seconds.max(1.0);
    let time = Axis::Linear { max, step: step_for(max) };
    let x = |at: f64| LEFT + time.place(at) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| TOP + (1.0 - axis.place(value)) * HEIGHT;
    let mut svg = begin(title, TOP + HEIGHT + 34.0);
    for (index, band) in bands.iter().enumerate() {
        let (from, to) = (x(band.from_s), x(band.to_s));
        let (width, name) = ((to - from).max(1.0), escaped(&band.name));
        let shade = if index % 2 == 0 { "band" } else { "band odd" };
        svg.push_str(&format!(
            "<rect class=\"{shade}\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{HEIGHT}\"><title>{name}</title></rect>"
        ));
        // One that is too narrow for its number has it in the tooltip only.
        if width > 10.0 {
            let number = (index + 1).to_string();
            svg.push_str(&label(from + width / 2.0, TOP + 13.0, "middle", "bandname", &number));
        }
    }
    for value in axis.ticks() {
        let at = y(value);
        svg.push_str(&line(LEFT, at, WIDTH - RIGHT, at, "grid"));
        svg.push_str(&label(LEFT - 8.0, at + 4.0, "end", "tick", &short(value)));
    }
    for at in time.ticks() {
        let text = format!("{at:.0} s");
        svg.push_str(&label(x(at), TOP + HEIGHT + 18.0, "middle", "tick", &text));
    }
    svg.push_str(&label(LEFT - 8.0, TOP - 10.0, "end", "unit", unit));
    let mut legend = LEFT;
    for Series { name, colour, parts } in series {
        svg.push_str(&format!(
            "<circle class=\"{colour} dot\" cx=\"{:.1}\" cy=\"18\" r=\"5\"/>",
            legend + 5.0
        ));
        svg.push_str(&label(legend + 16.0, 22.0, "start", "legend", name));
        legend += 36.0 + 7.0 * name.len() as f64;
        for part in parts {
            let points = part.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value)));
            let points = points.collect::<Vec<_>>().join(" ");
            svg.push_str(&format!("<polyline class=\"{colour} line\" points=\"{points}\"/>"));
            for (at, value) in part {
                svg.push_str(&format!(
                    "<circle class=\"{colour} dot\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.2\"><title>{name}: {} {unit} at {at:.0} s</title></circle>",
                    x(*at),
                    y(*value),
                    short(*value)
                ));
            }
        }
    }
    svg + "</svg>"
}

/// Latencies by operation: from the median to the slowest, on one scale.
pub(super) fn percentiles(title: &str, axis: Axis, rows: &[(String, Percentiles)]) -> String {
    const TOP: f64 = 34.0;
    const ROW: f64 = 30.0;
    const LABELS: f64 = 150.0;
    let bottom = TOP + ROW * rows.len() as f64;
    let x = |us: u64| LABELS + axis.place(us as f64 / 1000.0) * (WIDTH - LABELS - 84.0);
    let mut svg = begin(title, bottom + 26.0);
    for value in axis.ticks() {
        let at = x((value * 1000.0) as u64);
        svg.push_str(&line(at, TOP - 4.0, at, bottom, "grid"));
        svg.push_str(&label(at, bottom + 18.0, "middle", "tick", &format!("{} ms", short(value))));
    }
    let mut legend = LABELS;
    for (name, colour) in
        [("p50", "blue"), ("p90", "green"), ("p99", "orange"), ("slowest", "grey")]
    {
        svg.push_str(&format!(
            "<circle class=\"{colour} dot\" cx=\"{legend}\" cy=\"14\" r=\"5\"/>"
        ));
        svg.push_str(&label(legend + 11.0, 18.0, "start", "legend", name));
        legend += 80.0;
    }
    for (index, (name, latency)) in rows.iter().enumerate() {
        let y = TOP + ROW * (index as f64 + 0.5);
        let Percentiles { p50_us, p90_us, p99_us, max_us } = *latency;
        svg.push_str(&label(LABELS - 14.0, y + 4.0, "end", "name", name));
        svg.push_str(&line(x(p50_us), y, x(max_us), y, "thin"));
        svg.push_str(&line(x(p50_us), y, x(p99_us), y, "thick"));
        for (part, us, colour, radius) in [
            ("slowest", max_us, "grey", 4.0),
            ("p99", p99_us, "orange", 5.5),
            ("p90", p90_us, "green", 5.5),
            ("p50", p50_us, "blue", 6.5),
        ] {
            svg.push_str(&format!(
                "<circle class=\"{colour} dot\" cx=\"{:.1}\" cy=\"{y}\" r=\"{radius}\"><title>{}: {part} {} ms</title></circle>",
                x(us),
                escaped(name),
                milliseconds(us)
            ));
        }
        let p50 = format!("{} ms", milliseconds(p50_us));
        svg.push_str(&label(WIDTH - 4.0, y + 4.0, "end", "value", &p50));
    }
    svg + "</svg>"
}

/// One bar for each thing, with what it means beside it.
pub(super) fn bars(title: &str, rows: &[(String, f64, String)]) -> String {
    const ROW: f64 = 34.0;
    const LABELS: f64 = 150.0;
    let axis = Axis::linear(rows.iter().map(|(_, value, _)| *value));
    let mut svg = begin(title, ROW * rows.len() as f64 + 8.0);
    for (index, (name, value, meaning)) in rows.iter().enumerate() {
        let y = 4.0 + ROW * index as f64;
        let width = (axis.place(*value) * (WIDTH - LABELS - 250.0)).max(2.0);
        let colour = if index == 0 { "blue" } else { "grey" };
        svg.push_str(&label(LABELS - 14.0, y + 20.0, "end", "name", name));
        svg.push_str(&format!(
            "<rect class=\"{colour} dot\" x=\"{LABELS}\" y=\"{}\" width=\"{width:.1}\" height=\"20\" rx=\"3\"/>",
            y + 5.0
        ));
        svg.push_str(&label(LABELS + width + 10.0, y + 20.0, "start", "value", meaning));
    }
    svg + "</svg>"
}

fn begin(title: &str, height: f64) -> String {
    let title = escaped(title);
    format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">")
}

fn line(x1: f64, y1: f64, x2: f64, y2: f64, class: &str) -> String {
    format!("<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>")
}

fn label(x: f64, y: f64, anchor: &str, class: &str, text: &str) -> String {
    let text = escaped(text);
    format!(
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
    )
}

/// As few digits as say it.
fn short(value: f64) -> String {
    if value >= 1000.0 {
        grouped(value.round() as u64)
    } else if value == 0.0 || value >= 10.0 {
        format!("{value:.0}")
    } else {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_round_numbers_and_room_for_all_values() {
        for (max, expected) in [(0.0, 1.0), (7.0, 8.0), (93.0, 100.0), (1042.0, 1200.0)] {
            let axis = Axis::linear([max].into_iter());
            let ticks = axis.ticks();
            assert!((ticks[ticks.len() - 1] - expected).abs() < 1e-9, "{max}: {ticks:?}");
            assert!((2..=8).contains(&ticks.len()), "{max}: {ticks:?}");
        }
        let axis = Axis::log([0.12, 3.4, 45.0].into_iter());
        assert_eq!(
            axis.ticks().into_iter().map(short).collect::<Vec<_>>(),
            ["0.1", "1", "10", "100"]
        );
        assert!((axis.place(1.0) - 1.0 / 3.0).abs() < 1e-9);
        assert!(Axis::log([].into_iter()).ticks().len() == 2);
    }

    #[test]
    fn no_text_becomes_a_tag() {
        let svg = bars("<b>", &[("<script>".to_owned(), 1.0, "a & \"b\"".to_owned())]);
        assert!(!svg.contains("<script>") && !svg.contains("<b>"));
        assert!(svg.contains("&lt;script&gt;") && svg.contains("a &amp; &quot;b&quot;"));
    }
}
