//! Health, readiness and metrics, on a listener of their own and in the clear.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;

use crate::{
    connections::Connections,
    metrics::Metrics,
    shutdown::Shutdown,
    tls::{OwnCertificate, not_valid},
};

/// What the admin's questions are answered from.
pub(crate) struct Admin {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) connections: Arc<Connections>,
    /// How many clients are kept.
    pub(crate) clients: Box<dyn Fn() -> usize + Send + Sync>,
    pub(crate) shutdown: Shutdown,
    pub(crate) own_certificate: Arc<OwnCertificate>,
}

impl Admin {
    /// Answers one request. The answer to HEAD is that to GET; its body is left out when it is sent.
    ///
    /// Kubernetes' state is not part of readiness: an outage must not take away the service that
    /// explains it. Listener, certificate and catalogue were good when this began, and the last good
    /// ones are kept; so what can end readiness is the drain, and the date of the certificate.
    pub(crate) fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "use GET\n");
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match request.uri().path() {
            "/livez" => text(StatusCode::OK, "ok\n"),
            "/readyz" => match self.not_ready() {
                Some(why) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
                None => text(StatusCode::OK, "ok\n"),
            },
            "/metrics" => match self.metrics.encode(self.connections.len(), (self.clients)()) {
                Ok(metrics) => with_type(StatusCode::OK, metrics, OPEN_METRICS),
                Err(error) => {
                    tracing::error!(%error, "metrics can't be written");
                    text(StatusCode::INTERNAL_SERVER_ERROR, "see the log\n")
                }
            },
            _ => text(StatusCode::NOT_FOUND, "there is /livez, /readyz and /metrics\n"),
        }
    }

    fn not_ready(&self) -> Option<String> {
        if self.shutdown.is_draining() {
            return Some("draining".to_owned());
        }
        not_valid(self.own_certificate.get().validity, SystemTime::now())
    }
}

/// What [`Metrics::encode`] writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    with_type(status, body, "text/plain; charset=utf-8")
}

fn with_type(
    status: StatusCode,
    body: impl Into<Bytes>,
    media_type: &'static str,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
