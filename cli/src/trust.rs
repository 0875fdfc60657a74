//! Why two sides do not trust each other, in words, and what helps.
//!
//! Each thing that can be the matter has its own line: a hint is given only where following it
//! helps.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most of what the library can say is nothing that a caller can do something about"
)]

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// What is the matter, and what to do about it when the caller can do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Distrust {
    pub(crate) matter: &'static str,
    pub(crate) hint: Option<&'static str>,
}

const GIVE_CA: &str =
    "give the CA that signed the server's certificate with `--ca FILE` or `TOOLFORGE_JOBS_CA`";
const ASK_FOR_SERVER: &str = "ask an administrator to give the server another certificate";
const CHECK_CLOCK: &str = "see that the clock here is right, else ask an administrator to renew it";
const GIVE_IDENTITY: &str = "give the tool's own certificate and key, which the site renews, with \
                             `--cert FILE --key FILE`, or ask an administrator";

/// An alert is the other side's complaint; anything else is ours about the server.
pub(crate) fn distrust(error: &Error) -> Option<Distrust> {
    let (matter, hint) = match error {
        Error::AlertReceived(alert) => of_tool(*alert)?,
        Error::InvalidCertificate(error) => of_server(error)?,
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => (
            "what answers there does not speak TLS",
            Some("give the port of the service itself with `--server https://HOST:PORT`"),
        ),
        _ => return None,
    };
    Some(Distrust { matter, hint })
}

/// What is the matter, to stand in front of what the library says.
pub(crate) fn matter(error: &Error) -> String {
    distrust(error).map(|distrust| format!("{}: ", distrust.matter)).unwrap_or_default()
}

/// What the server says of the tool's certificate. Other alerts are not about it.
fn of_tool(alert: AlertDescription) -> Option<(&'static str, Option<&'static str>)> {
    let matter = match alert {
        AlertDescription::CertificateExpired => {
            "the server says that the tool's certificate has expired, or has not begun"
        }
        AlertDescription::UnknownCA => "the server does not know the CA of the tool's certificate",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateRequired
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError => "the server does not take the tool's certificate",
        _ => return None,
    };
    Some((matter, Some(GIVE_IDENTITY)))
}

/// What is wrong with the server's certificate.
fn of_server(error: &CertificateError) -> Option<(&'static str, Option<&'static str>)> {
    let found = match error {
        CertificateError::UnknownIssuer => {
            ("no CA that is trusted here signed the server's certificate", Some(GIVE_CA))
        }
        // A CA was made anew under the same name.
        CertificateError::BadSignature => {
            ("the server's certificate is of another CA of the same name", Some(GIVE_CA))
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("the server's certificate has expired", Some(CHECK_CLOCK))
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("the server's certificate is not valid yet", Some(CHECK_CLOCK))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "the server's certificate is for another name",
            Some("call the server by a name that its certificate has, with `--server URL`"),
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            ("the server's certificate is not one of a server", Some(ASK_FOR_SERVER))
        }
        CertificateError::Other(other) if is_ca(other) => (
            "the server's certificate is that of a CA, which no server may use",
            Some(ASK_FOR_SERVER),
        ),
        CertificateError::Revoked => ("the server's certificate was revoked", Some(ASK_FOR_SERVER)),
        _ => return None,
    };
    Some(found)
}

fn is_ca(error: &rustls::OtherError) -> bool {
    matches!(error.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}
