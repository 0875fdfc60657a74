//! Health, readiness and metrics, on a listener of their own and in the clear.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::task::TaskTracker;

use crate::{
    accept::negotiate,
    connections::{ConnectionLimits, Connections},
    host,
    linger::linger,
    metrics::{Format, Held, Metrics, Now},
    open_files::{ACCEPT_PAUSE, Complaint},
    shutdown::Shutdown,
    tls::{OwnCertificate, not_valid},
};

/// A connection of a probe or a scraper has said all that it wants by then.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(30);

/// What the admin's questions are answered from.
pub(crate) struct Admin {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) connections: Arc<Connections>,
    /// What the service holds now.
    pub(crate) held: Box<dyn Fn() -> Held + Send + Sync>,
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
        if let Err(bad) = host::check(request) {
            return text(StatusCode::BAD_REQUEST, format!("{bad}\n"));
        }
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
            "/metrics" => self.metrics(request.headers()),
            _ => text(StatusCode::NOT_FOUND, "there is /livez, /readyz and /metrics\n"),
        }
    }

    /// In the format that the scraper wants most. One that wants neither is answered too, as one that
    /// does not say.
    fn metrics(&self, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let format = negotiate(headers, &[Format::Classic, Format::OpenMetrics]);
        let format = format.unwrap_or(Format::Classic);
        let now = Now {
            connections: self.connections.count(),
            held: (self.held)(),
            certificate_end: self.own_certificate.get().validity.end,
        };
        match self.metrics.encode(now, format) {
            Ok(metrics) => {
                let mut response = with_type(StatusCode::OK, metrics, format.content_type());
                let vary = HeaderValue::from_static("accept");
                response.headers_mut().insert(header::VARY, vary);
                response
            }
            Err(error) => {
                tracing::error!(%error, "metrics can't be written");
                text(StatusCode::INTERNAL_SERVER_ERROR, "see the log\n")
            }
        }
    }

    fn not_ready(&self) -> Option<String> {
        if self.shutdown.is_draining() {
            return Some("draining".to_owned());
        }
        not_valid(self.own_certificate.get().validity, SystemTime::now())
    }
}

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

/// Serves health and metrics, in the clear, for as long as it is polled.
pub(crate) async fn serve(listener: TcpListener, admin: Arc<Admin>, connections_max: usize) {
    let tracker = TaskTracker::new();
    let connections = Connections::new(ConnectionLimits {
        all_max: connections_max,
        unproven_max: connections_max,
        per_certificate_max: connections_max,
    });
    let mut complaint = Complaint::default();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                complaint.about(&error);
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(open) = connections.enter() else { continue };
        let admin = Arc::clone(&admin);
        let end = Instant::now() + CONNECTION_TIME_MAX;
        tracker.spawn(async move {
            let mut stream = stream;
            let answer = service_fn(|request: Request<Incoming>| {
                let response = admin.answer(&request);
                async move { Ok::<_, Infallible>(response) }
            });
            let serving = async {
                let io = TokioIo::new(&mut stream);
                // Answers are there at once, so who sends no more need not be told from who has gone.
                let _ = http1::Builder::new().half_close(true).serve_connection(io, answer).await;
                linger(stream).await;
            };
            tokio::select! {
                () = serving => {}
                () = sleep_until(end) => {}
                () = open.close.cancelled() => {}
            }
        });
    }
}
