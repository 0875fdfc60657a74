//! TLS, both directions verified.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer, UnixTime,
        pem::{self, PemObject},
    },
};

use crate::credentials::{Credentials, Pem};

/// Why a certificate, a key or a CA can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The text is not PEM, or holds nothing of the kind that is needed.
    #[error("no {what} can be read from {origin}: {source}")]
    Pem {
        /// What was looked for.
        what: &'static str,
        /// Where it was looked for.
        origin: String,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// Certificate and key do not fit together, or the library does not know their kind.
    #[error("the certificate from {certificate} can't be used with the key from {key}: {source}")]
    Identity {
        /// Where the certificate is from.
        certificate: String,
        /// Where the key is from.
        key: String,
        /// What the library says.
        source: rustls::Error,
    },
    /// A CA certificate that is not one.
    #[error("the CA certificate from {origin} can't be used: {source}")]
    Ca {
        /// Where it is from.
        origin: String,
        /// What the library says.
        source: rustls::Error,
    },
    /// The system has no CA certificates.
    #[error("the system has no CA certificates, and none were given")]
    NoCa,
}

/// The provider is passed by hand, so that a process with another default is not a surprise.
/// The tool's certificate comes along, for whoever has to say what is the matter with it.
pub(super) fn config(
    credentials: &Credentials,
) -> Result<(ClientConfig, CertificateDer<'static>), TlsError> {
    let identity = |source| TlsError::Identity {
        certificate: credentials.certificate.origin.clone(),
        key: credentials.key.origin.clone(),
        source,
    };
    let chain = certificates(&credentials.certificate, "certificate")?;
    let certificate = chain[0].clone();
    let key = PrivateKeyDer::from_pem_slice(&credentials.key.text)
        .map_err(|source| unreadable(&credentials.key, "private key", source))?;
    let roots = match &credentials.ca {
        Some(ca) => given_roots(ca)?,
        None => system_roots()?,
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(identity)?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(identity)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((config, certificate))
}

/// The day on which the tool's certificate ended, if it has. That it is over is the first thing that
/// is looked at, before anything about who signed it.
pub(super) fn ended_on(certificate: &CertificateDer<'_>) -> Option<Box<str>> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    let usage = webpki::KeyUsage::client_auth();
    let algorithms = webpki::ALL_VERIFICATION_ALGS;
    let now = UnixTime::now();
    let judged = certificate.verify_for_usage(algorithms, &[], &[], now, usage, None, None);
    let Err(webpki::Error::CertExpired { not_after, .. }) = judged else { return None };
    let end = jiff::Timestamp::from_second(not_after.as_secs().try_into().ok()?).ok()?;
    Some(end.strftime("%Y-%m-%d").to_string().into())
}

fn given_roots(ca: &Pem) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca, "CA certificate")? {
        roots
            .add(certificate)
            .map_err(|source| TlsError::Ca { origin: ca.origin.clone(), source })?;
    }
    Ok(roots)
}

/// One odd certificate among the system's must not lock everybody out, so only having none is an
/// error.
fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TlsError::NoCa) } else { Ok(roots) }
}

fn certificates(pem: &Pem, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem.text).collect();
    match found {
        Ok(none) if none.is_empty() => Err(unreadable(pem, what, pem::Error::NoItemsFound)),
        Ok(some) => Ok(some),
        Err(source) => Err(unreadable(pem, what, source)),
    }
}

fn unreadable(pem: &Pem, what: &'static str, source: pem::Error) -> TlsError {
    TlsError::Pem { what, origin: pem.origin.clone(), source }
}
