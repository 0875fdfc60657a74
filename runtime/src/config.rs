//! Configuration, read from strings.
//!
//! A [`Source`] is the environment in `main` and a map in tests. A [`Reader`] collects every fault,
//! those of the files that are named too, so that whoever deploys the service mends all of them at
//! once instead of one a start.

mod reader;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use http::Uri;

pub use self::reader::{Environment, Faults, Reader, Source};
use crate::{
    identity::Door,
    telemetry::{LogFilter, LogFormat},
    tls,
};

/// Where the API listens for TLS.
pub const LISTEN: &str = "TJF_LISTEN";
/// Where health and metrics are served in the clear.
pub const ADMIN_LISTEN: &str = "TJF_ADMIN_LISTEN";
/// Which door callers come through.
pub const IDENTITY: &str = "TJF_IDENTITY";
/// PEM file of our own certificate chain.
pub const TLS_CERT: &str = "TJF_TLS_CERT";
/// PEM file of our own key.
pub const TLS_KEY: &str = "TJF_TLS_KEY";
/// PEM file of the CA that signs what clients present to us.
pub const CLIENT_CA: &str = "TJF_CLIENT_CA";
/// The common name of the proxies' certificate.
pub const PROXY_NAME: &str = "TJF_PROXY_NAME";
/// Organisation that a caller's certificate must name.
pub const ORGANIZATION: &str = "TJF_ORGANIZATION";
/// Address of Kubernetes.
pub const KUBE_SERVER: &str = "TJF_KUBE_SERVER";
/// PEM file of the CA that signs Kubernetes' own certificate.
pub const KUBE_CA: &str = "TJF_KUBE_CA";
/// `text` or `json`.
pub const LOG: &str = "TJF_LOG";
/// What is logged, in `tracing-subscriber`'s words.
pub const LOG_FILTER: &str = "RUST_LOG";

/// Where a pod finds the CA of its cluster.
const IN_CLUSTER_CA: &str = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";

/// An address that is asked over TLS.
fn https(text: &str) -> Result<Uri, String> {
    match text.parse::<Uri>() {
        Ok(uri) if uri.scheme_str() == Some("https") && uri.host().is_some() => Ok(uri),
        _ => Err(format!("`{text}` is not an address such as https://kubernetes.example:6443")),
    }
}

/// A path, as it is written.
#[expect(clippy::unnecessary_wraps, reason = "the shape of a parser")]
fn path(text: &str) -> Result<PathBuf, String> {
    Ok(text.into())
}

/// Everything that the runtime must be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The API over TLS.
    pub listen: SocketAddr,
    /// Health and metrics, in the clear.
    pub admin_listen: SocketAddr,
    /// How callers prove who they are.
    pub door: Door,
    /// Our own certificate chain.
    pub tls_cert: PathBuf,
    /// Our own key.
    pub tls_key: PathBuf,
    /// The CA of what clients present.
    pub client_ca: PathBuf,
    /// The common name of the proxies' certificate; there is one if the door is theirs.
    pub proxy_name: Option<String>,
    /// The organisation that callers must belong to.
    pub organization: String,
    /// Kubernetes.
    pub kube_server: Uri,
    /// The CA of Kubernetes' own certificate.
    pub kube_ca: PathBuf,
    /// How the log is written.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_filter: LogFilter,
}

impl Config {
    /// Reads the runtime's own settings. `None` when any had a fault.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        // Each setting is read before any is looked at, so that all faults are found.
        let listen = reader.optional(LISTEN, "0.0.0.0:8443", str::parse);
        let admin_listen = reader.optional(ADMIN_LISTEN, "0.0.0.0:9090", str::parse);
        let door = reader.required(IDENTITY, Door::parse);
        let tls_cert = reader.required(TLS_CERT, path);
        let tls_key = reader.required(TLS_KEY, path);
        let client_ca = reader.required(CLIENT_CA, path);
        let proxy_name = proxy_name(reader, door);
        let organization = reader.optional(ORGANIZATION, "toolforge", str::parse);
        let kube_server = kube_server(reader);
        let kube_ca = reader.optional(KUBE_CA, IN_CLUSTER_CA, path);
        let log_format = reader.optional(LOG, "text", LogFormat::parse);
        let log_filter = reader.optional(LOG_FILTER, "info", LogFilter::parse);
        Some(Self {
            listen: listen?,
            admin_listen: admin_listen?,
            door: door?,
            tls_cert: tls_cert?,
            tls_key: tls_key?,
            client_ca: client_ca?,
            proxy_name: proxy_name?,
            organization: organization?,
            kube_server: kube_server?,
            kube_ca: kube_ca?,
            log_format: log_format?,
            log_filter: log_filter?,
        })
    }

    /// Looks at the files that the settings name, and tells the reader what is wrong with them.
    /// Blocks.
    pub fn check_files(reader: &mut Reader<'_>) {
        tls::check_own(reader);
        reader.file(CLIENT_CA, None, tls::authorities);
        reader.file(KUBE_CA, Some(IN_CLUSTER_CA), tls::authorities);
    }
}

/// Who is a proxy: must be said at the door that proxies have, and can't be at the other, where it
/// would look as if one were believed. `None` when there was a fault, as for any setting.
fn proxy_name(reader: &mut Reader<'_>, door: Option<Door>) -> Option<Option<String>> {
    match (door, reader.text(PROXY_NAME).ok()?) {
        (Some(Door::TrustedHeader), None) => {
            reader.fault(PROXY_NAME, "must be set with `trusted-header`");
            None
        }
        (Some(Door::PeerCertificate), Some(_)) => {
            reader.fault(PROXY_NAME, "is only for `trusted-header`: leave it out");
            None
        }
        (_, name) => Some(name),
    }
}

/// Where Kubernetes is: what the operator says, else what every pod is told.
fn kube_server(reader: &mut Reader<'_>) -> Option<Uri> {
    let host = reader.text("KUBERNETES_SERVICE_HOST").ok()?;
    let port = reader.text("KUBERNETES_SERVICE_PORT").ok()?;
    match (host, port) {
        (Some(host), Some(port)) => {
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            reader.optional(KUBE_SERVER, &format!("https://{host}:{port}"), https)
        }
        _ => reader.required(KUBE_SERVER, https),
    }
}

/// How much of everything there may be. Each value says why it is what it is. Where few files may be
/// open there is less of some ([`crate::open_files::Shares`]).
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once. A TLS connection costs some 30 KiB, so this bounds them to about 128
    /// MiB.
    pub connections_max: usize,
    /// Of these, connections of callers who have not proven who they are: they shake hands, or have
    /// no certificate. A flood of them has to fill this share while one caller shakes hands.
    pub unproven_connections_max: usize,
    /// Connections of probes and scrapers at once.
    pub admin_connections_max: usize,
    /// Connections of one certificate: many scripts of one tool, but never all connections.
    pub connections_per_certificate_max: usize,
    /// From a request head's first byte to its last, and for a handshake: a slow peer holds nothing
    /// for long.
    pub header_read_time_max: Duration,
    /// A kept connection without a request. Proxies keep theirs for 60 s and must be the ones to
    /// close.
    pub idle_connection_time_max: Duration,
    /// A body: the longest command takes 8 KiB, in the worst encoding three times that.
    pub body_bytes_max: usize,
    /// One request, from its head to its answer.
    pub request_time_max: Duration,
    /// Requests at work at once, of all callers.
    pub requests_in_flight_max: usize,
    /// Requests at work at once, of one caller.
    pub requests_per_caller_max: usize,
    /// Requests of one caller that stand in line.
    pub requests_queued_per_caller_max: usize,
    /// Requests that wait for something to happen, or stream, of all callers.
    pub requests_waiting_max: usize,
    /// The same, of one caller.
    pub requests_waiting_per_caller_max: usize,
    /// After the signal: still serving, so that the cluster's endpoints can follow.
    pub drain_notice_time: Duration,
    /// From the signal to the end, below the 30 s that Kubernetes gives a pod.
    pub drain_time_max: Duration,
}

impl Limits {
    /// The limits of the service in production.
    pub const PRODUCTION: Self = Self {
        connections_max: 4096,
        unproven_connections_max: 1024,
        admin_connections_max: 64,
        connections_per_certificate_max: 256,
        header_read_time_max: Duration::from_secs(5),
        idle_connection_time_max: Duration::from_secs(75),
        body_bytes_max: 64 * 1024,
        request_time_max: Duration::from_secs(30),
        requests_in_flight_max: 256,
        requests_per_caller_max: 8,
        requests_queued_per_caller_max: 128,
        requests_waiting_max: 512,
        requests_waiting_per_caller_max: 64,
        drain_notice_time: Duration::from_secs(5),
        drain_time_max: Duration::from_secs(25),
    };
}

#[cfg(test)]
mod tests;
