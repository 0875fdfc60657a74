//! What the service counts, in Prometheus' terms.
//!
//! A fixed set, without a tool's name in any label: there are thousands of tools, and metrics are
//! public.

mod classic;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};

use crate::{
    accept::Offer,
    admission::{PlaceCount, Taken},
    callers::{CallerCount, Evictions},
    connections::ConnectionCount,
    pool::{Calls, LookCounts},
};

/// Boundaries in seconds, from an answer out of memory to the deadline.
const SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0, 30.0];

/// What all of it can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Prometheus' text format 0.0.4, which every tool reads.
    Classic,
    /// `OpenMetrics` 1.0, which Prometheus asks for.
    OpenMetrics,
}

impl Format {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Offer for Format {
    fn media_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain",
            Self::OpenMetrics => "application/openmetrics-text",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Timed {
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfClass {
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InLine {
    line: &'static str,
}

/// What there is at one moment: it is looked up, not counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) connections: ConnectionCount,
    pub(crate) held: Held,
    /// When the service's own certificate ends.
    pub(crate) certificate_end: SystemTime,
}

/// What the service holds at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) callers: CallerCount,
    pub(crate) places: PlaceCount,
}

/// Everything that is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    requests: Family<Answered, Counter>,
    seconds: Family<Timed, Histogram, fn() -> Histogram>,
    /// Handshakes that failed or took too long.
    pub(crate) handshakes_failed: Counter,
    /// Requests that hyper refused before there was one to log.
    pub(crate) requests_malformed: Counter,
    /// Connections that were turned away, or closed to make room.
    pub(crate) connections_refused: Counter,
    looks: LookCounts,
    calls: Calls,
    evictions: Evictions,
}

impl Metrics {
    pub(crate) fn new(looks: LookCounts, calls: Calls, evictions: Evictions) -> Self {
        Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            handshakes_failed: Counter::default(),
            requests_malformed: Counter::default(),
            connections_refused: Counter::default(),
            looks,
            calls,
            evictions,
        }
    }

    pub(crate) fn answered(
        &self,
        method: &'static str,
        route: &'static str,
        status: u16,
        time: Duration,
    ) {
        self.requests.get_or_create(&Answered { method, route, status }).inc();
        self.seconds.get_or_create(&Timed { route }).observe(time.as_secs_f64());
    }

    /// Everything, as a scraper reads it.
    pub(crate) fn encode(&self, now: Now, format: Format) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("tjf");
        self.register(&mut registry);
        self.looks.register(&mut registry);
        self.calls.register(&mut registry);
        self.evictions.register(&mut registry);
        now.register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(match format {
            Format::Classic => classic::of_open_metrics(&text),
            Format::OpenMetrics => text,
        })
    }

    fn register(&self, registry: &mut Registry) {
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "Time from a request's head to its answer",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "handshakes_failed",
            "TLS handshakes that failed",
            self.handshakes_failed.clone(),
        );
        registry.register(
            "requests_malformed",
            "Requests that were no HTTP",
            self.requests_malformed.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections turned away or closed to make room",
            self.connections_refused.clone(),
        );
    }
}

impl Now {
    fn register(self, registry: &mut Registry) {
        let ConnectionCount { unproven, idle, busy } = self.connections;
        let states = [("unproven", unproven), ("idle", idle), ("busy", busy)];
        let connections = family(states.map(|(state, count)| (InState { state }, count)));
        registry.register("connections", "Connections now, by what they do", connections);
        let CallerCount { callers, clients } = self.held.callers;
        let callers_help = "Callers of whom something is kept now";
        registry.register("callers", callers_help, ConstGauge::new(callers));
        let clients_help = "Kubernetes clients kept now";
        registry.register("kube_clients", clients_help, ConstGauge::new(clients));
        self.held.places.register(registry);
        let end = self.certificate_end.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        registry.register_with_unit(
            "certificate_expiry_timestamp",
            "When the service's own certificate ends, since 1970",
            Unit::Seconds,
            ConstGauge::new(end.as_secs()),
        );
    }
}

impl PlaceCount {
    fn register(self, registry: &mut Registry) {
        let by_class = |of: fn(Taken) -> usize| {
            let classes = [("ordinary", self.working), ("waiting", self.waiting)];
            family(classes.map(|(class, taken)| (OfClass { class }, of(taken))))
        };
        let in_use_help = "Places of all that requests hold now";
        registry.register("permits_in_use", in_use_help, by_class(|taken| taken.now));
        registry.register("permits_limit", "Places of all", by_class(|taken| taken.max));
        let lines = [("caller", self.in_callers_lines), ("all", self.in_line_of_all)];
        let lines = family(lines.map(|(line, count)| (InLine { line }, count)));
        let lines_help = "Requests that stand in line now, for a place of their caller or of all";
        registry.register("permits_awaited", lines_help, lines);
    }
}

/// A gauge for each of these labels.
fn family<L, const N: usize>(values: [(L, usize); N]) -> Family<L, Gauge>
where
    L: Clone + std::hash::Hash + Eq,
{
    let family = Family::default();
    for (labels, value) in values {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        Family::<L, Gauge>::get_or_create(&family, &labels).set(value);
    }
    family
}

#[cfg(test)]
mod tests;
