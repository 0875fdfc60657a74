//! The server's side of TLS.
//!
//! As Kubernetes, it lets every client finish the handshake that has the key of its certificate, and
//! nothing but certificates behind it: whether it counts is looked at for each request, and told by
//! a 401.

use std::{iter, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use x509_cert::{Certificate, der::Decode};

use crate::{Authority, Identity};

#[derive(Debug)]
struct Anybody(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Anybody {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        behind: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        for der in iter::once(certificate).chain(behind) {
            Certificate::from_der(der).map_err(|_| CertificateError::BadEncoding)?;
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// What checks the certificates of clients, and the server's own configuration.
///
/// # Panics
/// When an authority that we made ourselves is none.
pub(crate) fn config(authority: &Authority) -> (Arc<dyn ClientCertVerifier>, Arc<ServerConfig>) {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(authority.certificate.as_bytes());
    roots.add(ca.expect("our own PEM")).expect("our own CA");
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
        .build()
        .expect("there is a root");
    let Identity { certificate, key } = authority.issue_for_loopback();
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("our own PEM");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("our own PEM");
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows TLS 1.3")
        .with_client_cert_verifier(Arc::new(Anybody(Arc::clone(&verifier))))
        .with_single_cert(vec![certificate], key)
        .expect("the key is the certificate's");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (verifier, Arc::new(config))
}
