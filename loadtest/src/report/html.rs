//! The report as one page, which needs nothing but itself: no script, no font, no network.

use super::{
    Comparison, Report, Row, StageReport, grouped, milliseconds,
    plot::{Axis, Band, Series, bars, escaped, over_time, percentiles},
};
use crate::{meter::Percentiles, plan::Operation, process::Look};

const STYLE: &str = include_str!("page.css");

/// A last second of which less than this was measured says nothing of a whole one.
const LAST_SECOND_MIN: f64 = 0.25;

/// Writes the whole page.
pub(crate) fn page(report: &Report) -> String {
    let Report { server, tools, jobs, processors, seconds, .. } = report;
    let server = escaped(server);
    let stages: String = report.stages.iter().map(stage).collect();
    let comparisons: String = report.comparisons.iter().map(comparison).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Load test of {server}</title><style>{STYLE}</style></head><body><main>\n\
         <h1>Load test of the jobs service</h1>\n\
         <p class=\"soft\">{server} · {tools} tools with {jobs} jobs each · {seconds:.0} s, from a machine \
         with {processors} processors</p>\n{}{}\
         <h2>Over time</h2>\n{}{stages}{comparisons}\
         <h2>How to read this</h2><p>p99 is the time within which 99 of 100 requests were answered. In an open \
         loop it counts from when a request was due, so a stall is felt by all that were due in it; in a \
         closed loop it counts from when it was sent. Latencies are of good answers; failures are counted \
         beside them. The client, the service and whatever else ran on the machine shared its processors.</p>\n\
         </main></body></html>\n",
        tiles(report),
        warnings(report),
        timelines(report),
    )
}

fn tiles(report: &Report) -> String {
    let tile = |is_bad: bool, figure: &str, meaning: &str| {
        let class = if is_bad { "tile bad" } else { "tile" };
        format!("<div class=\"{class}\"><b>{figure}</b><span>{}</span></div>", escaped(meaning))
    };
    let mut all = String::new();
    let most =
        report.stages.iter().max_by(|one, other| one.good_per_s.total_cmp(&other.good_per_s));
    if let Some(most) = most {
        let figure = grouped(most.good_per_s.round() as u64);
        all += &tile(false, &figure, &format!("good answers a second: {}", most.name));
    }
    if let Some(one) = report.comparisons.first() {
        let list = one.rows.iter().find(|row| row.operation == Operation::List);
        if let Some(latency) = list.and_then(|row| row.latency) {
            let figure = format!("{} ms", milliseconds(latency.p50_us));
            all += &tile(false, &figure, "p50 of a warm list, one caller");
        }
        if let Some(ratio) = one.ratios.iter().find(|ratio| ratio.of == Operation::Direct) {
            let figure = format!("{:.1} ×", ratio.p50);
            all += &tile(false, &figure, "four LISTs asked directly, beside that list");
        }
    }
    if let Some(most) = report.looks.iter().filter_map(|look| look.service_rss_kib).max() {
        let figure = format!("{:.1} MiB", most as f64 / 1024.0);
        all += &tile(false, &figure, "memory of the service, at most");
    }
    let rows = report.stages.iter().flat_map(|stage| &stage.rows);
    let compared = report.comparisons.iter().flat_map(|comparison| &comparison.rows);
    let failed: u64 = rows.chain(compared).map(|row| row.failed).sum();
    all += &tile(failed > 0, &grouped(failed), "requests failed");
    format!("<div class=\"tiles\">{all}</div>\n")
}

fn warnings(report: &Report) -> String {
    if report.warnings.is_empty() {
        return String::new();
    }
    let item = |warning: &crate::warning::Warning| {
        let (text, advice) = (escaped(&warning.to_string()), escaped(warning.advice()));
        format!("<li>{text}<br><span class=\"soft\">{advice}</span></li>")
    };
    let items: String = report.warnings.iter().map(item).collect();
    format!("<div class=\"warnings\"><ul>{items}</ul></div>\n")
}

/// Everything that has a time, on the same axis.
fn timelines(report: &Report) -> String {
    let bands = bands(report);
    let legend = bands.iter().zip(1..).map(|(band, number)| format!("{number} {}", band.name));
    let legend = legend.collect::<Vec<_>>().join(" · ");
    let by_second = |name, colour, figure: &dyn Fn(&crate::meter::Second, f64) -> f64| {
        let parts = report.stages.iter().map(|stage| seconds_of(stage, figure)).collect();
        Series { name, colour, parts }
    };
    let answers = [
        by_second("good answers", "blue", &|second, width| second.good as f64 / width),
        by_second("failures", "red", &|second, width| second.failed as f64 / width),
    ];
    let latencies = [
        by_second("p50", "blue", &|second, _| second.p50_us as f64 / 1000.0),
        by_second("p99", "orange", &|second, _| second.p99_us as f64 / 1000.0),
    ];
    let looked = |name, colour, figure: &dyn Fn(&Look) -> Option<f64>| {
        let points = report.looks.iter().filter_map(|look| Some((look.at_s, figure(look)?)));
        Series { name, colour, parts: vec![points.collect()] }
    };
    let memory = [looked("memory of the service", "violet", &|look| {
        Some(look.service_rss_kib? as f64 / 1024.0)
    })];
    let processors = [
        looked("the service", "blue", &|look| look.service_cpu_percent),
        looked("the API server", "green", &|look| look.kubernetes_cpu_percent),
    ];
    let linear = |series: &[Series]| Axis::linear(series.iter().flat_map(Series::values));
    let log = |series: &[Series]| Axis::log(series.iter().flat_map(Series::values));
    let plot = |title: &str, unit: &str, axis: Axis, series: &[Series]| {
        if series.iter().all(|series| series.values().next().is_none()) {
            return String::new();
        }
        let svg = over_time(title, unit, axis, report.seconds, &bands, series);
        format!("<h3>{title}</h3>{svg}\n")
    };
    format!("<p class=\"soft\">Shaded: {}</p>", escaped(&legend))
        + &plot("Throughput and errors", "a second", linear(&answers), &answers)
        + &plot("Latency", "ms", log(&latencies), &latencies)
        + &plot("Memory", "MiB", linear(&memory), &memory)
        + &plot("Processor time", "% of one", linear(&processors), &processors)
}

/// What was done when.
fn bands(report: &Report) -> Vec<Band> {
    let stages = report.stages.iter().map(|stage| Band {
        name: stage.name.clone(),
        from_s: stage.began_s,
        to_s: stage.began_s + stage.seconds,
    });
    let comparisons = report.comparisons.iter().map(|comparison| Band {
        name: format!("side by side, {}", callers(comparison)),
        from_s: comparison.began_s,
        to_s: comparison.began_s + comparison.seconds,
    });
    stages.chain(comparisons).collect()
}

fn callers(comparison: &Comparison) -> String {
    match comparison.callers {
        1 => "one caller".to_owned(),
        callers => format!("{callers} callers"),
    }
}

fn seconds_of(
    stage: &StageReport,
    figure: &dyn Fn(&crate::meter::Second, f64) -> f64,
) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    for second in &stage.timeline {
        let width = (stage.seconds - second.second as f64).min(1.0);
        let is_empty = second.good + second.failed == 0;
        if (width >= LAST_SECOND_MIN || stage.timeline.len() == 1) && !is_empty {
            let at = stage.began_s + second.second as f64 + width / 2.0;
            points.push((at, figure(second, width.max(0.001))));
        }
    }
    points
}

fn stage(stage: &StageReport) -> String {
    let StageReport { name, description, seconds, good_per_s, failed_per_s, .. } = stage;
    let rows: Vec<_> = stage.rows.iter().filter_map(measured).collect();
    let plot = if rows.is_empty() {
        String::new()
    } else {
        percentiles(&format!("Latency percentiles: {name}"), scale(&rows), &rows)
    };
    format!(
        "<h2>{}</h2><p class=\"soft\">{}<br>{good_per_s:.0} good answers a second, {failed_per_s:.1} failures a \
         second, for {seconds:.1} s</p>\n{plot}{}",
        escaped(&capitalised(name)),
        escaped(description),
        table(&stage.rows)
    )
}

fn measured(row: &Row) -> Option<(String, Percentiles)> {
    Some((row.operation.to_string(), row.latency?))
}

fn scale(rows: &[(String, Percentiles)]) -> Axis {
    let ends = rows.iter().flat_map(|(_, it)| [it.p50_us, it.max_us]);
    Axis::log(ends.map(|us| us as f64 / 1000.0))
}

fn comparison(comparison: &Comparison) -> String {
    let callers = callers(comparison);
    let bar = |row: &Row| {
        let latency = row.latency?;
        let ratio = comparison.ratios.iter().find(|ratio| ratio.of == row.operation);
        let p50 = milliseconds(latency.p50_us);
        let meaning = match ratio {
            Some(ratio) => format!("{p50} ms, {:.2} × list", ratio.p50),
            None => format!("{p50} ms"),
        };
        Some((row.operation.to_string(), latency.p50_us as f64 / 1000.0, meaning))
    };
    let bars_of: Vec<_> = comparison.rows.iter().filter_map(bar).collect();
    format!(
        "<h2>Side by side, {callers}</h2><p class=\"soft\">Taken in turn, over kept connections: the p50 of each</p>\n{}{}",
        bars(&format!("p50, {callers}"), &bars_of),
        table(&comparison.rows)
    )
}

fn table(rows: &[Row]) -> String {
    let mut body = String::new();
    for row in rows {
        let Row { operation, good, failed, good_per_s, bytes, .. } = row;
        let bad = if *failed > 0 { " class=\"bad\"" } else { "" };
        body += &format!(
            "<tr><td>{operation}</td><td>{}</td><td{bad}>{}</td><td>{good_per_s:.1}</td><td>{}</td>",
            grouped(*good),
            grouped(*failed),
            grouped(*bytes)
        );
        for part in [
            row.latency.map(|it| it.p50_us),
            row.latency.map(|it| it.p90_us),
            row.latency.map(|it| it.p99_us),
            row.latency.map(|it| it.max_us),
        ] {
            body += &format!("<td>{}</td>", part.map_or("–".to_owned(), milliseconds));
        }
        body += "</tr>";
        for (cause, count) in &row.failures {
            let (cause, count) = (escaped(cause), grouped(*count));
            body += &format!("<tr><td class=\"cause\" colspan=\"9\">{count} × {cause}</td></tr>");
        }
    }
    format!(
        "<div class=\"scroll\"><table><thead><tr><th></th><th>good</th><th>failed</th><th>good / s</th>\
         <th>bytes</th><th>p50 ms</th><th>p90 ms</th><th>p99 ms</th><th>slowest ms</th></tr></thead>\
         <tbody>{body}</tbody></table></div>\n"
    )
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests;
