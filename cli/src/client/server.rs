//! The server's address.

use std::str::FromStr;

use hyper::Uri;
use rustls::pki_types::ServerName;
use tjf_api_types::path;

/// The port of `https` when the URL names none.
const PORT_DEFAULT: u16 = 443;

/// Where the server is, taken apart once.
#[derive(Debug)]
pub(super) struct Server {
    /// As it was given, for messages.
    pub(super) url: String,
    /// Value of the header `Host`.
    pub(super) authority: String,
    /// What to look up; an IPv6 address without its brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// The name or address that the server's certificate must be for.
    pub(super) name: ServerName<'static>,
    /// Path in front of the API's own, without a trailing slash.
    pub(super) path_prefix: String,
}

/// Why a text is not the address of a server.
#[derive(Debug, thiserror::Error)]
#[error("the server's address `{url}` is not a URL such as `https://jobs.example.org:30001`")]
pub struct ServerError {
    url: String,
}

impl FromStr for Server {
    type Err = ServerError;

    fn from_str(url: &str) -> Result<Self, ServerError> {
        Self::parse(url).ok_or_else(|| ServerError { url: url.to_owned() })
    }
}

impl Server {
    /// The identity is the client certificate, so there is nothing to say to a server without TLS.
    fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        if uri.scheme_str() != Some("https") || uri.query().is_some() {
            return None;
        }
        let bracketed = uri.host()?;
        let host = bracketed.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self {
            url: url.trim_end_matches('/').to_owned(),
            authority: match uri.port() {
                Some(port) => format!("{bracketed}:{port}"),
                None => bracketed.to_owned(),
            },
            name: ServerName::try_from(host.clone()).ok()?,
            host,
            port: uri.port_u16().unwrap_or(PORT_DEFAULT),
            path_prefix: prefix(uri.path()).to_owned(),
        })
    }
}

/// What is in front of the API's own paths. These begin with the base path, which many an address
/// that is in use has already.
fn prefix(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.strip_suffix(path::BASE).unwrap_or(path).trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        for (url, host, port, authority, prefix) in [
            ("https://jobs.example.org", "jobs.example.org", 443, "jobs.example.org", ""),
            ("https://10.0.0.1:8443/", "10.0.0.1", 8443, "10.0.0.1:8443", ""),
            ("https://[::1]:30001/jobs/", "::1", 30001, "[::1]:30001", "/jobs"),
            ("https://a/api/v1", "a", 443, "a", ""),
            ("https://a//api/v1//", "a", 443, "a", ""),
            ("https://a/jobs/api/v1/", "a", 443, "a", "/jobs"),
            ("https://a/api/v1/jobs", "a", 443, "a", "/api/v1/jobs"),
            ("https://a/my-api/v1", "a", 443, "a", "/my-api/v1"),
            ("https://a/api/v10", "a", 443, "a", "/api/v10"),
        ] {
            let server: Server = url.parse().unwrap();
            assert_eq!((server.host.as_str(), server.port), (host, port), "{url}");
            assert_eq!(server.authority, authority, "{url}");
            assert_eq!(server.path_prefix, prefix, "{url}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_an_example() {
        for url in ["", "jobs.example.org", "http://jobs.example.org", "https://", "https://a?b"] {
            let error = url.parse::<Server>().unwrap_err().to_string();
            assert!(error.contains("is not a URL such as `https://"), "{url}: {error}");
        }
    }
}
