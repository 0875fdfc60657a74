//! Health, readiness and metrics, on a listener of their own and in the clear.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;

use crate::{connections::Connections, metrics::Metrics, shutdown::Shutdown};

/// What the admin's questions are answered from.
pub(crate) struct Admin {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) connections: Arc<Connections>,
    /// How many clients are kept.
    pub(crate) clients: Box<dyn Fn() -> usize + Send + Sync>,
    pub(crate) shutdown: Shutdown,
}

impl Admin {
    /// Answers one request. Kubernetes' state is not part of readiness: an outage must not take away
    /// the service that explains it. Certificate and catalogue were good when the listener began,
    /// and the last good ones are kept, so all that can end readiness is the drain.
    pub(crate) fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if request.method() != Method::GET {
            return text(StatusCode::METHOD_NOT_ALLOWED, "use GET\n");
        }
        match request.uri().path() {
            "/livez" => text(StatusCode::OK, "ok\n"),
            "/readyz" if self.shutdown.is_draining() => {
                text(StatusCode::SERVICE_UNAVAILABLE, "draining\n")
            }
            "/readyz" => text(StatusCode::OK, "ok\n"),
            "/metrics" => match self.metrics.encode(self.connections.len(), (self.clients)()) {
                Ok(metrics) => text(StatusCode::OK, metrics),
                Err(error) => {
                    tracing::error!(%error, "metrics can't be written");
                    text(StatusCode::INTERNAL_SERVER_ERROR, "see the log\n")
                }
            },
            _ => text(StatusCode::NOT_FOUND, "there is /livez, /readyz and /metrics\n"),
        }
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let media_type = header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response
}
