//! Configuration, read from strings.
//!
//! A [`Source`] is the environment in `main` and a map in tests. A [`Reader`] collects every fault,
//! so that whoever deploys the service mends all of them at once instead of one a start.

use std::{
    collections::HashMap,
    fmt::{self, Display},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use http::Uri;

use crate::{
    identity::Door,
    telemetry::{LogFilter, LogFormat},
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

/// Gives the text of a setting, if it is set.
pub trait Source {
    /// The text of one setting.
    fn get(&self, key: &str) -> Option<String>;
}

/// The process's environment.
#[derive(Debug, Clone, Copy)]
pub struct Environment;

impl Source for Environment {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    fn get(&self, key: &str) -> Option<String> {
        std::env::var(key).ok()
    }
}

impl Source for HashMap<&str, String> {
    fn get(&self, key: &str) -> Option<String> {
        Self::get(self, key).cloned()
    }
}

/// Everything that is wrong with a configuration; one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(Vec<String>);

impl Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Faults {}

/// Reads settings and remembers what was wrong with them.
pub struct Reader<'a> {
    source: &'a dyn Source,
    faults: Vec<String>,
}

impl<'a> Reader<'a> {
    /// A reader of one source.
    pub fn new(source: &'a dyn Source) -> Self {
        Self { source, faults: Vec::new() }
    }

    /// A setting that must be there. `None` when there was a fault, which [`Reader::finish`]
    /// reports.
    pub fn required<T, E: Display>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match self.source.get(key).filter(|text| !text.is_empty()) {
            Some(text) => self.parse(key, &text, parse),
            None => {
                self.faults.push(format!("{key}: must be set"));
                None
            }
        }
    }

    /// A setting that has a default.
    pub fn optional<T, E: Display>(
        &mut self,
        key: &str,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.source.get(key).filter(|text| !text.is_empty());
        self.parse(key, text.as_deref().unwrap_or(default), parse)
    }

    fn parse<T, E: Display>(
        &mut self,
        key: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        parse(text).map_err(|error| self.faults.push(format!("{key}: {error}"))).ok()
    }

    /// Where Kubernetes is: what the operator says, else what every pod is told.
    fn kube_server(&mut self) -> Option<Uri> {
        let host = self.source.get("KUBERNETES_SERVICE_HOST");
        let port = self.source.get("KUBERNETES_SERVICE_PORT");
        match (host, port) {
            (Some(host), Some(port)) => {
                let host = if host.contains(':') { format!("[{host}]") } else { host };
                self.optional(KUBE_SERVER, &format!("https://{host}:{port}"), https)
            }
            _ => self.required(KUBE_SERVER, https),
        }
    }

    /// All settings, if none had a fault.
    ///
    /// # Errors
    /// Every fault met so far.
    pub fn finish<T>(self, settings: Option<T>) -> Result<T, Faults> {
        match settings {
            Some(settings) if self.faults.is_empty() => Ok(settings),
            _ => Err(Faults(self.faults)),
        }
    }
}

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
        let organization = reader.optional(ORGANIZATION, "toolforge", str::parse);
        let kube_server = reader.kube_server();
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
            organization: organization?,
            kube_server: kube_server?,
            kube_ca: kube_ca?,
            log_format: log_format?,
            log_filter: log_filter?,
        })
    }
}

/// How much of everything there may be. Each value says why it is what it is.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once. A TLS connection costs some 30 KiB, so this bounds them to about 128
    /// MiB.
    pub connections_max: usize,
    /// Of these, connections of callers who have not proven who they are: they shake hands, or have
    /// no certificate. A flood of them has to fill this share while one caller shakes hands.
    pub unproven_connections_max: usize,
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
mod tests {
    use super::*;

    fn complete() -> HashMap<&'static str, String> {
        [
            (IDENTITY, "peer-certificate"),
            (TLS_CERT, "/tls/tls.crt"),
            (TLS_KEY, "/tls/tls.key"),
            (CLIENT_CA, "/ca.crt"),
            (KUBE_SERVER, "https://kubernetes:6443"),
        ]
        .map(|(key, value)| (key, value.to_owned()))
        .into()
    }

    fn read(source: &HashMap<&str, String>) -> Result<Config, Faults> {
        let mut reader = Reader::new(source);
        let config = Config::read(&mut reader);
        reader.finish(config)
    }

    #[test]
    fn what_is_not_set_has_the_documented_default() {
        let config = read(&complete()).unwrap();
        assert_eq!(config.listen.to_string(), "0.0.0.0:8443");
        assert_eq!(config.admin_listen.to_string(), "0.0.0.0:9090");
        assert_eq!(config.organization, "toolforge");
        assert_eq!(config.kube_ca, PathBuf::from(IN_CLUSTER_CA));
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let mut source = complete();
        source.insert(LISTEN, "everywhere".to_owned());
        source.insert(IDENTITY, "trust-me".to_owned());
        source.insert(KUBE_SERVER, "http://kubernetes".to_owned());
        source.insert(LOG_FILTER, "info=loud".to_owned());
        source.remove(TLS_KEY);
        let faults = read(&source).unwrap_err().to_string();
        for key in [LISTEN, IDENTITY, KUBE_SERVER, LOG_FILTER, TLS_KEY] {
            assert!(faults.contains(key), "{key} is missing in:\n{faults}");
        }
        assert_eq!(faults.lines().count(), 5);
    }

    #[test]
    fn there_is_no_default_door() {
        let mut source = complete();
        source.remove(IDENTITY);
        assert_eq!(read(&source).unwrap_err().to_string(), "TJF_IDENTITY: must be set");
    }

    #[test]
    fn in_a_pod_kubernetes_is_where_every_pod_finds_it() {
        let mut source = complete();
        source.remove(KUBE_SERVER);
        source.insert("KUBERNETES_SERVICE_HOST", "fd00::1".to_owned());
        source.insert("KUBERNETES_SERVICE_PORT", "443".to_owned());
        assert_eq!(read(&source).unwrap().kube_server, "https://[fd00::1]:443");
    }
}
