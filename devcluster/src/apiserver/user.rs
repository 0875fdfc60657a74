//! Who asks, as their certificate says, and what they may do.

use std::sync::Arc;

use rustls::{
    pki_types::{CertificateDer, UnixTime},
    server::danger::ClientCertVerifier,
};
use x509_cert::{
    Certificate,
    attr::AttributeValue,
    der::{
        Decode,
        asn1::{ObjectIdentifier, PrintableStringRef, Utf8StringRef},
    },
};

use super::{path::Target, status::Refused};
use crate::kind::Right;

/// Whoever is in it may do everything, as in Kubernetes.
pub(crate) const ADMINISTRATORS: &str = "system:masters";
const ANONYMOUS: &str = "system:anonymous";
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANIZATION_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// Whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    name: String,
    groups: Vec<String>,
}

impl User {
    /// Who shows this certificate, or none. Looked at for each request, since a certificate ends
    /// while its connection lives.
    ///
    /// # Errors
    /// When the certificate is not one of this cluster's, or not now.
    pub(crate) fn of(
        certificate: Option<&CertificateDer<'_>>,
        verifier: &Arc<dyn ClientCertVerifier>,
        now: UnixTime,
    ) -> Result<Self, Refused> {
        let anonymous = || Self { name: ANONYMOUS.to_owned(), groups: Vec::new() };
        let Some(der) = certificate else { return Ok(anonymous()) };
        verifier.verify_client_cert(der, &[], now).map_err(|_| Refused::unauthorized())?;
        let certificate = Certificate::from_der(der).map_err(|_| Refused::unauthorized())?;
        let attributes = certificate.tbs_certificate.subject.0.iter().flat_map(|set| set.0.iter());
        let (mut name, mut groups) = (None, Vec::new());
        for attribute in attributes {
            let Some(text) = text(&attribute.value) else { continue };
            // Of several names Kubernetes takes the last.
            if attribute.oid == COMMON_NAME {
                name = Some(text);
            } else if attribute.oid == ORGANIZATION_NAME {
                groups.push(text);
            }
        }
        Ok(name.map_or_else(anonymous, |name| Self { name, groups }))
    }

    /// Whether this is done for them.
    ///
    /// # Errors
    /// When it is not, in Kubernetes' words.
    pub(crate) fn may(&self, verb: &str, target: &Target) -> Result<(), Refused> {
        let is_look = matches!(verb, "get" | "list" | "watch");
        let is_own = target.namespace == format!("tool-{}", self.name);
        let has_right = match target.kind.right() {
            Right::Change => true,
            Right::Look => is_look,
            Right::Nothing => false,
        };
        let is_administrator = self.groups.iter().any(|group| group == ADMINISTRATORS);
        if is_administrator || (is_own && has_right && self.name != ANONYMOUS) {
            return Ok(());
        }
        let (kind, name) = (target.kind, target.name.as_deref().unwrap_or_default());
        let place = target.within().map_or_else(
            || "at the cluster scope".to_owned(),
            |namespace| format!("in the namespace \"{namespace}\""),
        );
        let what = format!(
            "User \"{}\" cannot {verb} resource \"{}\" in API group \"{}\" {place}",
            self.name,
            kind.plural(),
            kind.group()
        );
        Err(Refused::forbidden(kind, name, &what))
    }

    /// Their name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

fn text(value: &AttributeValue) -> Option<String> {
    let utf8 = value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
    let printable = || value.decode_as::<PrintableStringRef<'_>>();
    utf8.or_else(|_| printable().map(|text| text.as_str().to_owned())).ok()
}
