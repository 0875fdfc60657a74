//! Who is calling: the one place that decides it.
//!
//! There are two doors, and a process has one of them. At the first, our own listener verifies the
//! caller's certificate. At the second, a proxy did so and passes the subject on in a header, which
//! is believed only because the proxy itself presents a certificate of a private CA that carries the
//! proxies' name. Nothing in path, query or body has any say.

mod dn;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use http::HeaderMap;
use thiserror::Error;
use tjf_api_types::ToolName;
use x509_cert::{
    Certificate,
    attr::AttributeTypeAndValue,
    der::{
        Decode,
        asn1::{
            Ia5StringRef, ObjectIdentifier, PrintableStringRef, TeletexStringRef, Utf8StringRef,
        },
    },
    name::RelativeDistinguishedName,
};

use self::dn::Subject;
use crate::config::Config;

/// The header in which a proxy passes on the subject of a certificate that it verified.
pub const SUBJECT_HEADER: &str = "ssl-client-subject-dn";
/// The header in which it says that it did.
pub const VERIFY_HEADER: &str = "ssl-client-verify";

const COMMON_NAME_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANIZATION_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// A certificate's common name that is a tool's, and so is safe in a path and in a namespace's
/// name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommonName(ToolName);

impl CommonName {
    /// Takes a text that can be a tool's name.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The tool that has this name.
    pub fn tool(&self) -> &ToolName {
        &self.0
    }
}

impl fmt::Display for CommonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CommonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// Who calls, as a verified certificate of the right organisation proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The certificate's common name.
    pub name: CommonName,
}

/// How callers prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// By the certificate of the connection.
    PeerCertificate,
    /// By a header from a proxy that the connection's certificate proves to be one, by its name.
    TrustedHeader,
}

impl Door {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "peer-certificate" => Ok(Self::PeerCertificate),
            "trusted-header" => Ok(Self::TrustedHeader),
            _ => Err(format!("`{text}` is neither `peer-certificate` nor `trusted-header`")),
        }
    }
}

/// Why nobody, or nobody we serve, is calling. `Display` is for the caller to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    #[error("a client certificate is needed: this is how the service knows which tool is calling")]
    NoCertificate,
    #[error("the client certificate is not valid at this time: renew it, or check the clock")]
    NotValidNow,
    #[error("the certificate's subject must have exactly one common name, a tool's name")]
    NoUsableName,
    #[error(
        "only the platform's proxy is answered at this address, and the connection's certificate is \
         not the proxy's: send the request to the proxy"
    )]
    NotTheProxy,
    #[error("the certificate does not belong to a tool of this platform")]
    ForeignOrganization,
    #[error(
        "the header `{SUBJECT_HEADER}` is not taken here: the certificate of the connection says \
         who is calling"
    )]
    HeaderNotTaken,
}

/// What a certificate says about its holder, read once a connection.
#[derive(Debug, Clone)]
pub struct PeerCertificate {
    subject: Option<Subject>,
    validity: Validity,
}

impl PeerCertificate {
    /// Reads a certificate that was verified already. `None` when it is not one at all.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?.tbs_certificate;
        let at = |duration: Duration| SystemTime::UNIX_EPOCH.checked_add(duration);
        let validity = Validity {
            begin: at(certificate.validity.not_before.to_unix_duration())?,
            end: at(certificate.validity.not_after.to_unix_duration())?,
        };
        Some(Self { subject: subject_of(&certificate.subject.0), validity })
    }

    /// The only common name, if there is just one and it is usable.
    pub fn common_name(&self) -> Option<CommonName> {
        CommonName::parse(&self.subject.as_ref()?.common_name)
    }

    /// From when to when it is valid.
    pub(crate) fn validity(&self) -> Validity {
        self.validity
    }

    pub(crate) fn is_valid_at(&self, now: SystemTime) -> bool {
        self.validity.contains(now)
    }
}

/// From when to when a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) begin: SystemTime,
    pub(crate) end: SystemTime,
}

impl Validity {
    fn contains(self, now: SystemTime) -> bool {
        (self.begin..=self.end).contains(&now)
    }
}

/// The one common name and the organisations among a subject's attributes. Kubernetes takes the
/// last of several common names; whoever signs two of them means one, and we can't know which. As
/// in the text of a subject (see [`dn`]), a common name stands alone in its set; organisations may
/// share one.
fn subject_of(names: &[RelativeDistinguishedName]) -> Option<Subject> {
    let attributes =
        || names.iter().flat_map(|set| set.0.iter().map(move |attribute| (set, attribute)));
    let mut common_names = attributes().filter(|(_, attribute)| attribute.oid == COMMON_NAME_OID);
    let (Some((set, common_name)), None) = (common_names.next(), common_names.next()) else {
        return None;
    };
    if set.0.len() != 1 {
        return None;
    }
    let organizations = attributes()
        .filter(|(_, attribute)| attribute.oid == ORGANIZATION_OID)
        .map(|(_, attribute)| text_of(attribute))
        .collect::<Option<Vec<_>>>()?;
    Some(Subject { common_name: text_of(common_name)?, organizations })
}

/// The text of an attribute, in any of the encodings that RFC 5280 (4.1.2.4) lets a CA choose and
/// that are plain text; the two wide ones are not, and no CA of today uses them.
fn text_of(attribute: &AttributeTypeAndValue) -> Option<String> {
    let value = &attribute.value;
    None.or_else(|| {
        value.decode_as::<Utf8StringRef<'_>>().ok().map(|text| text.as_str().to_owned())
    })
    .or_else(|| {
        value.decode_as::<PrintableStringRef<'_>>().ok().map(|text| text.as_str().to_owned())
    })
    .or_else(|| value.decode_as::<Ia5StringRef<'_>>().ok().map(|text| text.as_str().to_owned()))
    .or_else(|| value.decode_as::<TeletexStringRef<'_>>().ok().map(|text| text.as_str().to_owned()))
}

/// The door that this process has, and who may come through it.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    door: Door,
    organization: String,
    /// The common name of the proxies' certificate; nobody is a proxy without one.
    proxy_name: Option<String>,
}

impl Gate {
    pub(crate) fn new(config: &Config) -> Self {
        let Config { door, organization, proxy_name, .. } = config;
        Self { door: *door, organization: organization.clone(), proxy_name: proxy_name.clone() }
    }

    /// Decides who is calling. Asked at every request: TLS checks dates only in a full handshake,
    /// and connections and sessions outlive certificates.
    pub(crate) fn admit(
        &self,
        peer: Option<&PeerCertificate>,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<Caller, Refusal> {
        if self.door == Door::PeerCertificate && headers.contains_key(SUBJECT_HEADER) {
            return Err(Refusal::HeaderNotTaken);
        }
        let peer = peer.ok_or(Refusal::NoCertificate)?;
        if !peer.is_valid_at(now) {
            return Err(Refusal::NotValidNow);
        }
        let subject = match self.door {
            Door::PeerCertificate => peer.subject.clone().ok_or(Refusal::NoUsableName)?,
            Door::TrustedHeader if self.is_proxy(peer) => forwarded(headers)?,
            Door::TrustedHeader => return Err(Refusal::NotTheProxy),
        };
        let name = CommonName::parse(&subject.common_name).ok_or(Refusal::NoUsableName)?;
        if !subject.organizations.contains(&self.organization) {
            return Err(Refusal::ForeignOrganization);
        }
        Ok(Caller { name })
    }

    /// Whether this is a proxy's certificate. That a known CA signed it is not enough: were that the
    /// cluster's by mistake, every tool could call as any other.
    pub(crate) fn is_proxy(&self, peer: &PeerCertificate) -> bool {
        let name = peer.subject.as_ref().map(|subject| &subject.common_name);
        name.is_some() && name == self.proxy_name.as_ref()
    }
}

/// The subject that a proxy passes on: said once, and only of a certificate that it verified.
fn forwarded(headers: &HeaderMap) -> Result<Subject, Refusal> {
    let only = |name: &str| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    };
    if only(VERIFY_HEADER) != Some("SUCCESS") {
        return Err(Refusal::NoCertificate);
    }
    let text = only(SUBJECT_HEADER).ok_or(Refusal::NoCertificate)?;
    dn::parse(text).map_err(|error| {
        tracing::debug!(%error, "a proxy passed on a subject that can't be used");
        Refusal::NoUsableName
    })
}

#[cfg(test)]
mod tests;
