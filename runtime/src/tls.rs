//! TLS: who we are, and what clients may present.

use std::{fmt, sync::Arc};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
};

use crate::{
    config::Config,
    reload::{Reloaded, text},
};

/// Our own certificate and key, read anew when their files change.
pub(crate) type OwnCertificate = Reloaded<CertifiedKey>;

/// Reads our own certificate and key.
pub(crate) fn own_certificate(config: &Config) -> Result<OwnCertificate, String> {
    let files = vec![config.tls_cert.clone(), config.tls_key.clone()];
    Reloaded::load("server certificate", files, |files| certified_key(&files[0], &files[1]))
}

fn certified_key(certificates: &[u8], key: &[u8]) -> Result<CertifiedKey, String> {
    let chain = CertificateDer::pem_slice_iter(certificates)
        .collect::<Result<Vec<_>, _>>()
        .map_err(text)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(text)?;
    // Refuses a key that does not fit the certificate: a pair that is half written keeps the old
    // one.
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(text)
}

/// How we shake hands. A client certificate is asked for, so that whoever presents none can be told
/// so over HTTP; one that does not verify ends the handshake.
///
/// The CA is read once: tickets vouch for certificates that it verified, so another CA needs new
/// ticket keys, which a restart brings.
pub(crate) fn server_config(
    config: &Config,
    own: Arc<OwnCertificate>,
) -> Result<Arc<ServerConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(
        Arc::new(client_ca(config)?),
        Arc::clone(&provider),
    )
    .allow_unauthenticated()
    .build()
    .map_err(|error| format!("{}: {error}", config.client_ca.display()))?;
    let mut tls = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(text)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(Current(own)));
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A resumed session saves a caller two thirds of the time of a handshake.
    tls.ticketer = ring::Ticketer::new().map_err(text)?;
    Ok(Arc::new(tls))
}

fn client_ca(config: &Config) -> Result<RootCertStore, String> {
    let file = &config.client_ca;
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| format!("{}: {error}", file.display()))?;
        roots.add(certificate).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(roots)
}

/// Presents whatever certificate is current.
struct Current(Arc<OwnCertificate>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.get())
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}
