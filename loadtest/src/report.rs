//! What was measured, for people and for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    driver::Course,
    meter::{Meter, Percentiles, Second},
    plan::{Operation, Stage},
    process::Look,
    warning::Warning,
};

pub(crate) mod html;
mod plot;
pub(crate) mod text;

/// The whole run.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Report {
    /// Who was asked.
    pub(crate) server: String,
    /// How many tools asked.
    pub(crate) tools: usize,
    /// How many jobs each of them had.
    pub(crate) jobs: usize,
    /// Processors of the machine that asked.
    pub(crate) processors: usize,
    /// How long all of it took.
    pub(crate) seconds: f64,
    /// One after the other.
    pub(crate) stages: Vec<StageReport>,
    /// Things measured side by side.
    pub(crate) comparisons: Vec<Comparison>,
    /// The processes meanwhile.
    pub(crate) looks: Vec<Look>,
    /// What spoils figures.
    pub(crate) warnings: Vec<Warning>,
}

/// One stage.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StageReport {
    /// Its name.
    pub(crate) name: String,
    /// Pace, connections and mix.
    pub(crate) description: String,
    /// When it began, from the run's start.
    pub(crate) began_s: f64,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Good answers a second.
    pub(crate) good_per_s: f64,
    /// Failures a second.
    pub(crate) failed_per_s: f64,
    /// Planned and not sent.
    pub(crate) unsent: u64,
    /// Sent and not waited for.
    pub(crate) abandoned: u64,
    /// How late requests went out.
    pub(crate) lateness: Option<Percentiles>,
    /// What was asked.
    pub(crate) rows: Vec<Row>,
    /// Second by second.
    pub(crate) timeline: Vec<Second>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Row {
    /// Which one.
    pub(crate) operation: Operation,
    /// Good answers.
    pub(crate) good: u64,
    /// All others.
    pub(crate) failed: u64,
    /// Good answers a second.
    pub(crate) good_per_s: f64,
    /// Bytes of a good answer's body, on average.
    pub(crate) bytes: u64,
    /// Of good answers.
    pub(crate) latency: Option<Percentiles>,
    /// Of failures.
    pub(crate) latency_of_failed: Option<Percentiles>,
    /// How often each thing went wrong.
    pub(crate) failures: BTreeMap<String, u64>,
}

/// Things that were measured in turn, with as many callers.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Comparison {
    /// How many asked at once.
    pub(crate) callers: usize,
    /// When it began, from the run's start.
    pub(crate) began_s: f64,
    /// How long it took.
    pub(crate) seconds: f64,
    /// What was measured.
    pub(crate) rows: Vec<Row>,
    /// The others beside `list`.
    pub(crate) ratios: Vec<Ratio>,
}

/// Something beside `list` of the service, in the same run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Ratio {
    /// What it is.
    pub(crate) of: Operation,
    /// Its p50 divided by that of `list`.
    pub(crate) p50: f64,
    /// The good answers a second of `list` divided by its own.
    pub(crate) throughput: f64,
}

impl StageReport {
    pub(crate) fn new(stage: &Stage, began_s: f64, course: &Course, meter: &Meter) -> Self {
        let seconds = course.time.as_secs_f64();
        Self {
            name: stage.name.clone(),
            description: stage.description(),
            began_s,
            seconds,
            good_per_s: per_second(meter.good(), seconds),
            failed_per_s: per_second(meter.failed(), seconds),
            unsent: course.unsent,
            abandoned: course.abandoned,
            lateness: meter.lateness.percentiles(),
            rows: rows(meter, |_| seconds),
            timeline: meter.seconds(),
        }
    }
}

impl Comparison {
    /// `seconds` is what each thing had of the time.
    pub(crate) fn new(
        callers: usize,
        began_s: f64,
        meter: &Meter,
        seconds: &BTreeMap<Operation, f64>,
    ) -> Self {
        let rows = rows(meter, |operation| seconds.get(&operation).copied().unwrap_or_default());
        let list = rows.iter().find(|row| row.operation == Operation::List).cloned();
        let ratio = |row: &Row| {
            let list = list.as_ref()?;
            let p50 = |row: &Row| row.latency.map(|latency| latency.p50_us as f64);
            let throughput = list.good_per_s / row.good_per_s;
            Some(Ratio { of: row.operation, p50: p50(row)? / p50(list)?, throughput })
        };
        let others = rows.iter().filter(|row| row.operation != Operation::List);
        Self {
            callers,
            began_s,
            seconds: seconds.values().sum(),
            ratios: others.filter_map(ratio).collect(),
            rows,
        }
    }
}

fn rows(meter: &Meter, seconds: impl Fn(Operation) -> f64) -> Vec<Row> {
    let row = |(operation, counted): (&Operation, &crate::meter::OperationMeter)| {
        let good = counted.good.count();
        Row {
            operation: *operation,
            good,
            failed: counted.failed.count(),
            good_per_s: per_second(good, seconds(*operation)),
            bytes: counted.bytes.checked_div(good).unwrap_or_default(),
            latency: counted.good.percentiles(),
            latency_of_failed: counted.failed.percentiles(),
            failures: counted.failures.clone(),
        }
    };
    meter.operations.iter().map(row).collect()
}

fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

/// Milliseconds, with as many digits as one can use.
pub(crate) fn milliseconds(us: u64) -> String {
    let ms = us as f64 / 1000.0;
    match us {
        0..10_000 => format!("{ms:.2}"),
        10_000..100_000 => format!("{ms:.1}"),
        _ => format!("{ms:.0}"),
    }
}

/// A number, in groups of three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
