//! Certificates: of tools, signed by the cluster's CA, and of services.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::SystemTime,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, PublicKeyData, SanType,
    SignatureAlgorithm, SigningKey,
};
use rustls::{
    SignatureScheme,
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject},
    sign,
};
use time::{Duration, OffsetDateTime};

use crate::secrets;

/// The organisation of tools.
const ORGANIZATION: &str = "toolforge";
/// Long enough for a suite, and for a person who looks at what it left.
const LIFETIME: Duration = Duration::hours(6);
/// `id-at-commonName`, as a type of its own: rcgen has only one common name in a subject.
const COMMON_NAME_OID: [u64; 4] = [2, 5, 4, 3];

/// A certificate and its key, in PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The key, PKCS#8.
    pub key: String,
}

/// Whom a certificate is for, and how long.
#[derive(Debug, Clone)]
pub struct Subject {
    organization: String,
    common_names: Vec<String>,
    lifetime: Duration,
}

impl Subject {
    /// A tool, as its certificate names it.
    pub fn tool(name: &str) -> Self {
        let (organization, common_names) = (ORGANIZATION.to_owned(), vec![name.to_owned()]);
        Self { organization, common_names, lifetime: LIFETIME }
    }

    /// The same of another organisation.
    #[must_use]
    pub fn of_organization(self, organization: &str) -> Self {
        Self { organization: organization.to_owned(), ..self }
    }

    /// The same with one more common name.
    #[must_use]
    pub fn and(mut self, name: &str) -> Self {
        self.common_names.push(name.to_owned());
        self
    }

    /// The same with an end in so many seconds.
    #[must_use]
    pub fn for_seconds(self, seconds: i64) -> Self {
        Self { lifetime: Duration::seconds(seconds), ..self }
    }

    fn distinguished_name(self) -> DistinguishedName {
        let mut subject = DistinguishedName::new();
        subject.push(DnType::OrganizationName, self.organization);
        let mut kinds =
            [DnType::CommonName, DnType::CustomDnType(COMMON_NAME_OID.to_vec())].into_iter();
        for name in self.common_names {
            subject.push(kinds.next().expect("two common names at most"), name);
        }
        subject
    }
}

/// A CA that signs.
pub struct Authority {
    /// Its own certificate, in PEM.
    pub certificate: String,
    issuer: Issuer<'static, AuthorityKey>,
}

impl Authority {
    /// A CA that exists.
    ///
    /// # Panics
    /// When certificate or key can't be understood.
    pub fn from_pem(certificate: &str, key: &str) -> Self {
        secrets::know_key(key);
        let key = AuthorityKey::from_pem(key);
        let issuer = Issuer::from_ca_cert_pem(certificate, key)
            .expect("the CA's certificate can be understood");
        Self { certificate: certificate.to_owned(), issuer }
    }

    /// A new CA, which nobody knows yet.
    ///
    /// # Panics
    /// When it can't be made.
    pub fn generate(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a CA").pem();
        Self::from_pem(&certificate, &key.serialize_pem())
    }

    /// A certificate with which a client proves who it is.
    pub fn issue(&self, subject: Subject) -> Identity {
        let mut params = CertificateParams::default();
        let now = OffsetDateTime::from(SystemTime::now());
        params.not_before = now - Duration::minutes(5);
        params.not_after = now + subject.lifetime;
        params.distinguished_name = subject.distinguished_name();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    /// A client's certificate for whoever asks with this request, in PEM.
    ///
    /// # Panics
    /// When the request can't be understood.
    pub fn answer(&self, request: &str) -> String {
        let mut request = CertificateSigningRequestParams::from_pem(request).expect("a request");
        let now = OffsetDateTime::from(SystemTime::now());
        request.params.not_before = now - Duration::minutes(5);
        request.params.not_after = now + LIFETIME;
        request.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        request.signed_by(&self.issuer).expect("a certificate").pem()
    }

    /// A certificate for a service on this machine.
    pub fn issue_for_loopback(&self) -> Identity {
        self.issue_for(Ipv4Addr::LOCALHOST.into())
    }

    /// A certificate with which a server at this address proves who it is.
    pub fn issue_for(&self, address: IpAddr) -> Identity {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::IpAddress(address)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = key.serialize_pem();
        secrets::know_key(&key);
        Identity { certificate: certificate.pem(), key }
    }
}

/// The CA's key, whatever kind it is and however it is written: rustls reads more than rcgen does.
struct AuthorityKey {
    key: Arc<dyn sign::SigningKey>,
    scheme: SignatureScheme,
    algorithm: &'static SignatureAlgorithm,
    public_key_info: Vec<u8>,
}

impl AuthorityKey {
    fn from_pem(pem: &str) -> Self {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).expect("the CA's key is PEM");
        let key = ring::sign::any_supported_type(&der).expect("the CA's key can be used");
        let known = [
            (SignatureScheme::ECDSA_NISTP256_SHA256, &rcgen::PKCS_ECDSA_P256_SHA256),
            (SignatureScheme::ECDSA_NISTP384_SHA384, &rcgen::PKCS_ECDSA_P384_SHA384),
            (SignatureScheme::RSA_PKCS1_SHA256, &rcgen::PKCS_RSA_SHA256),
            (SignatureScheme::ED25519, &rcgen::PKCS_ED25519),
        ];
        let (scheme, algorithm) = known
            .into_iter()
            .find(|(scheme, _)| key.choose_scheme(&[*scheme]).is_some())
            .expect("the CA signs with ECDSA, RSA or Ed25519");
        let public_key_info = key.public_key().expect("the CA's public key").to_vec();
        Self { key, scheme, algorithm, public_key_info }
    }
}

impl PublicKeyData for AuthorityKey {
    fn subject_public_key_info(&self) -> Vec<u8> {
        self.public_key_info.clone()
    }

    /// Asked for when a certificate *of* this key is made, which is never done here.
    fn der_bytes(&self) -> &[u8] {
        &self.public_key_info
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl SigningKey for AuthorityKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signer = self.key.choose_scheme(&[self.scheme]).ok_or(rcgen::Error::RemoteKeyError)?;
        signer.sign(message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}
