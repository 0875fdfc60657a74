//! What the service counts, in Prometheus' terms.
//!
//! A fixed set, without a tool's name in any label: there are thousands of tools, and metrics are
//! public.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// Boundaries in seconds, from an answer out of memory to the deadline.
const SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0, 30.0];

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
    connections: Gauge,
    clients: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            handshakes_failed: Counter::default(),
            requests_malformed: Counter::default(),
            connections_refused: Counter::default(),
            connections: Gauge::default(),
            clients: Gauge::default(),
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
    pub(crate) fn encode(
        &self,
        connections: usize,
        clients: usize,
    ) -> Result<String, std::fmt::Error> {
        self.connections.set(i64::try_from(connections).unwrap_or(i64::MAX));
        self.clients.set(i64::try_from(clients).unwrap_or(i64::MAX));
        let mut registry = Registry::with_prefix("tjf");
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
        registry.register("connections", "Connections now", self.connections.clone());
        registry.register("kube_clients", "Kubernetes clients kept now", self.clients.clone());
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_counted_by_route_and_never_by_path() {
        let metrics = Metrics::new();
        metrics.answered("GET", "/v1/show/{name}/", 200, Duration::from_millis(3));
        metrics.answered("other", "none", 404, Duration::ZERO);
        let text = metrics.encode(2, 1).unwrap();
        for line in [
            r#"tjf_requests_total{method="GET",route="/v1/show/{name}/",status="200"} 1"#,
            r#"tjf_requests_total{method="other",route="none",status="404"} 1"#,
            r#"tjf_request_duration_seconds_bucket{le="0.005",route="/v1/show/{name}/"} 1"#,
            "tjf_connections 2",
            "tjf_kube_clients 1",
        ] {
            assert!(text.contains(line), "{line} is missing in:\n{text}");
        }
    }
}
