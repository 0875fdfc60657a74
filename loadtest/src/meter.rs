//! Samples become figures.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::{driver::Sample, plan::Operation};

/// Latencies above are counted as this; answers take no longer, but their lateness may.
const LATENCY_MAX_US: u64 = 600_000_000;

/// Differences of one in a thousand are seen.
const DIGITS: u8 = 3;

/// Enough for a plot, and small enough to be made anew every second.
const DIGITS_OF_A_SECOND: u8 = 2;

/// Latencies in microseconds.
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new(digits: u8) -> Self {
        let histogram = Histogram::new_with_bounds(1, LATENCY_MAX_US, digits);
        Self(histogram.expect("the bounds are in order, and the digits few"))
    }

    pub(crate) fn add(&mut self, latency: Duration) {
        let us = u64::try_from(latency.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX);
        self.0.saturating_record(us.max(1));
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that this part of all requests, between 0 and 1, does not exceed.
    pub(crate) fn at(&self, part: f64) -> u64 {
        self.0.value_at_quantile(part).min(self.0.max())
    }

    /// The figures of a report; none when there was no request.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        (self.count() > 0).then(|| Percentiles {
            p50_us: self.at(0.5),
            p90_us: self.at(0.9),
            p99_us: self.at(0.99),
            max_us: self.0.max(),
        })
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new(DIGITS)
    }
}

/// Latencies in microseconds, by the part of requests that they do not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50_us: u64,
    pub(crate) p90_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) max_us: u64,
}

/// One operation in one stage. What failed is apart: a refusal is quick, and would make everything
/// look quicker.
#[derive(Debug, Clone, Default)]
pub(crate) struct OperationMeter {
    pub(crate) good: Latencies,
    pub(crate) failed: Latencies,
    pub(crate) failures: BTreeMap<String, u64>,
    pub(crate) bytes: u64,
}

/// What came in one second of a stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Second {
    /// Which one, from the stage's start.
    pub(crate) second: u64,
    /// Good answers.
    pub(crate) good: u64,
    /// Everything else.
    pub(crate) failed: u64,
    /// Of the good ones.
    pub(crate) p50_us: u64,
    /// Of the good ones.
    pub(crate) p99_us: u64,
}

/// All that is counted in one stage.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    pub(crate) operations: BTreeMap<Operation, OperationMeter>,
    pub(crate) lateness: Latencies,
    seconds: Vec<Second>,
    current: Second,
    latencies_of_current: Latencies,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            operations: BTreeMap::new(),
            lateness: Latencies::default(),
            seconds: Vec::new(),
            current: Second::default(),
            latencies_of_current: Latencies::new(DIGITS_OF_A_SECOND),
        }
    }
}

impl Meter {
    /// Counts one request.
    pub(crate) fn add(&mut self, sample: &Sample) {
        // Samples come nearly in order; one that is late counts for the second that is open.
        while self.current.second < sample.ended.as_secs() {
            self.close_second();
        }
        let latency = sample.latency();
        self.lateness.add(sample.lateness());
        let operation = self.operations.entry(sample.operation).or_default();
        match &sample.result {
            Ok(bytes) => {
                operation.good.add(latency);
                operation.bytes += bytes;
                self.current.good += 1;
                self.latencies_of_current.add(latency);
            }
            Err(failure) => {
                operation.failed.add(latency);
                *operation.failures.entry(failure.to_string()).or_default() += 1;
                self.current.failed += 1;
            }
        }
    }

    fn close_second(&mut self) {
        let latencies = &self.latencies_of_current;
        let (p50_us, p99_us) = (latencies.at(0.5), latencies.at(0.99));
        self.seconds.push(Second { p50_us, p99_us, ..self.current });
        self.current = Second { second: self.current.second + 1, ..Second::default() };
        self.latencies_of_current.0.reset();
    }

    /// What came when, up to the last sample.
    pub(crate) fn seconds(&self) -> Vec<Second> {
        let mut all = self.clone();
        all.close_second();
        all.seconds
    }

    pub(crate) fn good(&self) -> u64 {
        self.operations.values().map(|operation| operation.good.count()).sum()
    }

    pub(crate) fn failed(&self) -> u64 {
        self.operations.values().map(|operation| operation.failed.count()).sum()
    }

    /// All requests that have come to their end.
    pub(crate) fn done(&self) -> u64 {
        self.lateness.count()
    }
}
