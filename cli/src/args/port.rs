//! A port as people type it: `8080`, `8080/tcp`, `8080/udp`.

use std::{fmt, str::FromStr};

use tjf_api_types::{PortProtocol, Words};

/// A port, and what is spoken there when that is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Port {
    /// Of any size: what is no port the API refuses.
    pub(crate) number: i64,
    pub(crate) protocol: Option<PortProtocol>,
}

/// Why a text is not a port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a port is a number, or a number with `/tcp` or `/udp`")]
pub(crate) struct PortError;

impl FromStr for Port {
    type Err = PortError;

    fn from_str(text: &str) -> Result<Self, PortError> {
        let (number, protocol) = match text.split_once('/') {
            Some((number, word)) => (number, Some(PortProtocol::find(word).ok_or(PortError)?)),
            None => (text, None),
        };
        // `i64::from_str` takes a plus sign, people do not write one.
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PortError);
        }
        Ok(Self { number: number.parse().map_err(|_| PortError)?, protocol })
    }
}

/// TCP is what everybody means.
impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            None | Some(PortProtocol::Tcp) => write!(f, "{}", self.number),
            Some(protocol) => write!(f, "{}/{}", self.number, protocol.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_stands_behind_the_number() {
        for (text, number, protocol, written) in [
            ("8080", 8080, None, "8080"),
            ("8080/tcp", 8080, Some(PortProtocol::Tcp), "8080"),
            ("53/udp", 53, Some(PortProtocol::Udp), "53/udp"),
            ("0", 0, None, "0"),
            ("65536", 65_536, None, "65536"),
        ] {
            let port: Port = text.parse().unwrap();
            assert_eq!(port, Port { number, protocol });
            assert_eq!(port.to_string(), written);
        }
        for text in ["", "/", "/tcp", "80/", "80/TCP", "80/sctp", "80/tcp/udp", "-1", "+80", "http"]
        {
            assert_eq!(text.parse::<Port>(), Err(PortError), "{text}");
        }
    }
}
