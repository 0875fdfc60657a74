//! TLS: who we are, and what clients may present.

mod dates;

use std::{fmt, sync::Arc};

use rustls::{
    Error, InconsistentKeys, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{
        ClientHello, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier,
        danger::ClientCertVerifier,
    },
    sign::{CertifiedKey, SigningKey},
};

pub(crate) use self::dates::{not_valid, watch_dates};
use crate::{
    config::{CLIENT_CA, Config, Faults, Reader, TLS_CERT, TLS_KEY},
    identity::{PeerCertificate, Validity},
    reload::{Reloaded, read_file, text},
};

/// Our own certificate and key, read anew when their files change.
pub(crate) type OwnCertificate = Reloaded<Own>;

/// Our own certificate and key.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) pair: Arc<CertifiedKey>,
    pub(crate) validity: Validity,
}

/// Reads our own certificate and key.
pub(crate) fn own_certificate(config: &Config) -> Result<OwnCertificate, Faults> {
    let files = vec![config.tls_cert.clone(), config.tls_key.clone()];
    let make = |files: &[Vec<u8>]| own(chain(&files[0])?, private_key(&files[1])?);
    Reloaded::load("server certificate", files, make).map_err(|error| Faults::of(TLS_CERT, error))
}

/// Looks at the files of our own certificate and key, each by itself and then both together, and
/// tells the reader what is wrong with them.
pub(crate) fn check_own(reader: &mut Reader<'_>) {
    let chain = reader.file(TLS_CERT, None, chain);
    let key = reader.file(TLS_KEY, None, private_key);
    if let (Some(chain), Some(key)) = (chain, key)
        && let Err(error) = own(chain, key)
    {
        reader.fault(TLS_KEY, error);
    }
}

const NOT_A_CERTIFICATE: &str = "holds what is not a certificate";

/// A certificate, those that vouch for it, and when it is valid.
type Chain = (Vec<CertificateDer<'static>>, Validity);

fn chain(pem: &[u8]) -> Result<Chain, String> {
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(text)?;
    let own = chain.first().ok_or("holds no certificate")?;
    ParsedCertificate::try_from(own).map_err(|_| NOT_A_CERTIFICATE)?;
    let validity = PeerCertificate::from_der(own).ok_or(NOT_A_CERTIFICATE)?.validity();
    Ok((chain, validity))
}

fn private_key(pem: &[u8]) -> Result<Arc<dyn SigningKey>, String> {
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| {
        if matches!(error, pem::Error::NoItemsFound) {
            "holds no private key, or one with a passphrase".to_owned()
        } else {
            error.to_string()
        }
    })?;
    let provider = ring::default_provider();
    provider
        .key_provider
        .load_private_key(key)
        .map_err(|_| "holds a private key that can't be used: take an RSA or EC key".to_owned())
}

/// Refuses a key that does not fit the certificate: a pair that is half written keeps the old one.
fn own((chain, validity): Chain, key: Arc<dyn SigningKey>) -> Result<Own, String> {
    let pair = CertifiedKey::new(chain, key);
    match pair.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
            Ok(Own { pair: Arc::new(pair), validity })
        }
        Err(_) => Err(format!("the key is not that of the certificate in {TLS_CERT}")),
    }
}

/// The authorities in a file, by which others' certificates are verified.
pub(crate) fn authorities(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.map_err(text)?).map_err(|_| NOT_A_CERTIFICATE)?;
    }
    if roots.is_empty() { Err("holds no certificate".to_owned()) } else { Ok(roots) }
}

/// Verifies what clients present. A certificate is asked for, so that whoever presents none can be
/// told so over HTTP; one that does not verify ends the handshake.
///
/// The CA is read once: tickets vouch for certificates that it verified, so another CA needs new
/// ticket keys, which a restart brings.
pub(crate) fn client_verifier(config: &Config) -> Result<Arc<dyn ClientCertVerifier>, Faults> {
    let build = |roots| {
        let provider = Arc::new(ring::default_provider());
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .allow_unauthenticated()
            .build()
            .map_err(text)
    };
    read_file(&config.client_ca)
        .and_then(|pem| authorities(&pem))
        .and_then(build)
        .map_err(|error| Faults::of(CLIENT_CA, error))
}

/// How we shake hands.
pub(crate) fn server_config(
    verifier: Arc<dyn ClientCertVerifier>,
    own: Arc<OwnCertificate>,
) -> Result<Arc<ServerConfig>, Error> {
    let mut tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(Current(own)));
    // Some versions of curl offer the older one alone when they are told to speak it.
    tls.alpn_protocols = vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()];
    // A resumed session saves a caller two thirds of the time of a handshake.
    tls.ticketer = ring::Ticketer::new()?;
    Ok(Arc::new(tls))
}

/// Presents whatever certificate is current.
struct Current(Arc<OwnCertificate>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.get().pair))
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}
