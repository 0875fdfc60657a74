//! The one header that every request of HTTP/1.1 has (RFC 9112, section 3.2).

use http::{HeaderValue, Request, Version, header, uri::Authority};
use thiserror::Error;

/// There is no `Host`, or more than one, or it is not the name of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a request of HTTP/1.1 has one `Host`, which is a name or an address and perhaps a port")]
pub(crate) struct BadHost;

/// Looks at the header. Who reads it in between may take one of two for another than we do, or
/// none for somebody else's; so both are refused, although nothing here depends on it.
pub(crate) fn check<B>(request: &Request<B>) -> Result<(), BadHost> {
    let mut values = request.headers().get_all(header::HOST).iter();
    match (values.next(), values.next()) {
        (Some(host), None) if is_good(host) => Ok(()),
        (None, _) if request.version() < Version::HTTP_11 => Ok(()),
        _ => Err(BadHost),
    }
}

fn is_good(host: &HeaderValue) -> bool {
    let Ok(authority) = Authority::try_from(host.as_bytes()) else { return false };
    let is_port = |text: &str| {
        text.is_empty()
            || text.strip_prefix(':').is_some_and(|port| {
                let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
                port.is_empty() || is_number && port.parse::<u16>().is_ok()
            })
    };
    let behind = authority.as_str().strip_prefix(authority.host());
    !authority.host().is_empty() && behind.is_some_and(is_port)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fuzz::{bytes_near, fuzz};

    fn is_taken(version: Version, hosts: &[&str]) -> bool {
        let request = Request::builder().version(version);
        let request = hosts.iter().fold(request, |request, host| request.header("host", *host));
        check(&request.body(()).unwrap()).is_ok()
    }

    #[test]
    fn one_good_host_is_taken_and_no_other_number_of_them() {
        for host in
            ["x", "jobs.svc:8443", "10.0.0.1:9090", "[::1]:8443", "[fe80::1]", "a-b.c.", "x:"]
        {
            assert!(is_taken(Version::HTTP_11, &[host]), "{host}");
            assert!(is_taken(Version::HTTP_10, &[host]), "{host}");
            assert!(!is_taken(Version::HTTP_11, &[host, host]), "{host}");
            assert!(!is_taken(Version::HTTP_10, &[host, "y"]), "{host}");
        }
        assert!(!is_taken(Version::HTTP_11, &[]));
        assert!(is_taken(Version::HTTP_10, &[]), "it came with HTTP/1.1");
    }

    #[test]
    fn what_is_no_name_of_a_host_is_refused() {
        for host in [
            "",
            " ",
            "a b",
            "a/b",
            "https://a",
            "a?b",
            "u@a",
            "u:p@a",
            "a:b",
            "a:99999",
            "a:-1",
            "a:+1",
            "[::1",
            "::1",
            "a#b",
            "a\\b",
            ":8443",
            "ü",
        ] {
            assert!(!is_taken(Version::HTTP_11, &[host]), "{host}");
        }
    }

    #[test]
    fn fuzzed_hosts_are_names_or_addresses() {
        let hosts = ["jobs.svc:8443", "[fe80::1]:1", "10.0.0.1", "user@host", "a/b"];
        fuzz("hosts", bytes_near(&hosts), |host| {
            let Ok(value) = HeaderValue::from_bytes(&host) else { return Ok(false) };
            if !is_good(&value) {
                return Ok(false);
            }
            // What RFC 3986, section 3.2.2, has in names and addresses, and the colon before a port.
            let is_known =
                |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%[]:".contains(byte);
            prop_assert!(!host.is_empty() && host.iter().all(is_known));
            Ok(true)
        });
    }
}
