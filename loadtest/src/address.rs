//! Where requests go, and whether they may.

use std::{net::IpAddr, str::FromStr};

use hyper::Uri;

/// An address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// As it was given, without a slash at its end.
    pub(crate) url: String,
    /// Whether it is asked over TLS.
    pub(crate) is_tls: bool,
    /// What to look up.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Value of the header `Host`.
    pub(crate) authority: String,
    /// What its paths begin with.
    pub(crate) prefix: String,
}

/// Why a text is not an address.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{0}` is not an address such as `https://127.0.0.1:8443`")]
pub(crate) struct AddressError(String);

impl Address {
    fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let is_tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        // What is before an `@` would go into no request, and could mislead whoever reads it.
        if uri.query().is_some() || authority.as_str().contains('@') {
            return None;
        }
        Some(Self {
            url: url.trim_end_matches('/').to_owned(),
            is_tls,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Whether it is this machine, whatever a name server says.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        Self::parse(url).ok_or_else(|| AddressError(url.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_loopback() {
        for (url, is_loopback) in [
            ("https://127.0.0.1:8443", true),
            ("https://127.9.9.9/x/", true),
            ("http://[::1]:80", true),
            // A name is whatever somebody says that it is.
            ("https://localhost:1", false),
            ("https://127.0.0.1.example.org", false),
            ("https://10.0.0.1", false),
            ("https://[::]:1", false),
            ("https://0.0.0.0", false),
        ] {
            assert_eq!(url.parse::<Address>().unwrap().is_loopback(), is_loopback, "{url}");
        }
        for url in
            ["", "127.0.0.1", "ftp://127.0.0.1", "https://127.0.0.1@example.org", "https://a?b"]
        {
            assert!(url.parse::<Address>().is_err(), "{url}");
        }
    }

    #[test]
    fn an_address_is_taken_apart() {
        let address: Address = "https://[::1]:30001/jobs/".parse().unwrap();
        assert_eq!((address.host.as_str(), address.port), ("::1", 30001));
        assert_eq!(address.authority, "[::1]:30001");
        assert_eq!(address.prefix, "/jobs");
        assert_eq!("http://a".parse::<Address>().unwrap().port, 80);
    }
}
