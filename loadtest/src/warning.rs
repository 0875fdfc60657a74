//! What spoils a figure, and what to do about it.

use std::fmt;

use serde::Serialize;

use crate::{
    driver::Course,
    meter::Meter,
    plan::{Operation, Pace, Stage},
};

/// Later than this, a request in a hundred went out when it should not have.
const LATENESS_P99_MAX_US: u64 = 5_000;

/// Below, fewer than ten requests are above the p99.
const SAMPLES_FOR_P99_MIN: u64 = 1_000;

/// Something that whoever reads the figures has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Warning {
    /// The load test itself was too slow.
    ClientSaturated {
        /// Where.
        stage: String,
        /// How late a request in a hundred went out, at least.
        lateness_p99_us: u64,
        /// How many did not go out at all.
        unsent: u64,
    },
    /// Some requests were the first of their tool.
    ColdIncluded {
        /// Where.
        stage: String,
    },
    /// Not everything was answered well.
    Errors {
        /// Where.
        stage: String,
        /// How many failed.
        failed: u64,
        /// Of how many.
        of: u64,
    },
    /// The p99 is the luck of a few.
    FewSamples {
        /// Where.
        stage: String,
        /// Of what, and how many there are.
        counts: Vec<(Operation, u64)>,
    },
    /// Somebody stopped the run.
    Stopped {
        /// Where.
        stage: String,
        /// Requests whose answers were not waited for.
        abandoned: u64,
    },
}

impl Warning {
    /// All there is to say of one stage.
    pub(crate) fn of(stage: &Stage, course: &Course, meter: &Meter) -> Vec<Self> {
        let name = || stage.name.clone();
        let mut warnings = Vec::new();
        let lateness_p99_us = meter.lateness.at(0.99);
        let is_late = lateness_p99_us > LATENESS_P99_MAX_US || course.unsent > 0;
        if matches!(stage.pace, Pace::Open { .. }) && is_late {
            let unsent = course.unsent;
            warnings.push(Self::ClientSaturated { stage: name(), lateness_p99_us, unsent });
        }
        if stage.is_cold {
            warnings.push(Self::ColdIncluded { stage: name() });
        }
        let (good, failed) = (meter.good(), meter.failed());
        if failed > 0 {
            warnings.push(Self::Errors { stage: name(), failed, of: good + failed });
        }
        let counts = meter.operations.iter().map(|(operation, it)| (*operation, it.good.count()));
        let counts: Vec<_> = counts.filter(|(_, count)| *count < SAMPLES_FOR_P99_MIN).collect();
        if !counts.is_empty() {
            warnings.push(Self::FewSamples { stage: name(), counts });
        }
        if course.is_stopped {
            warnings.push(Self::Stopped { stage: name(), abandoned: course.abandoned });
        }
        warnings
    }

    /// What to do.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::ClientSaturated { .. } => {
                "latencies have the load test's own waiting in them: lower --rate, or ask from another machine"
            }
            Self::ColdIncluded { .. } => {
                "leave out --cold for what a tool meets from its second request on"
            }
            Self::Errors { .. } => "latencies are of good answers only: look at the failures first",
            Self::FewSamples { .. } => "take the p50, or a longer --time",
            Self::Stopped { .. } => "figures are of what was measured until then",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientSaturated { stage, lateness_p99_us, unsent } => write!(
                f,
                "{stage}: the load test could not keep its pace: one request in a hundred went out \
                 {:.1} ms late or more, and {unsent} not at all",
                *lateness_p99_us as f64 / 1000.0
            ),
            Self::ColdIncluded { stage } => {
                write!(f, "{stage}: the first request of each tool is in these figures")
            }
            Self::Errors { stage, failed, of } => {
                write!(f, "{stage}: {failed} of {of} requests failed")
            }
            Self::FewSamples { stage, counts } => {
                write!(f, "{stage}: few requests for a p99:")?;
                for (index, (operation, count)) in counts.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma} {operation} {count}")?;
                }
                Ok(())
            }
            Self::Stopped { stage, abandoned } => write!(
                f,
                "{stage}: stopped before its end; {abandoned} answers were not waited for"
            ),
        }
    }
}
