use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use rustls::SignatureScheme;

use super::*;
use crate::fuzz::{bytes_near, fuzz};

const NAME: &str = "my-tool";

/// A file with this in it, for whoever reads only what is between the lines of hyphens.
fn armoured(label: &str, der: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n").into_bytes()
}

/// What may be in the place of a file: other files that may be there with a few changes, and a
/// changed certificate in an unchanged envelope.
fn files(valid: &[String], der: &[u8]) -> BoxedStrategy<Vec<u8>> {
    prop_oneof![
        3 => bytes_near(valid),
        1 => bytes_near(&[der]).prop_map(|der| armoured("CERTIFICATE", &der)),
    ]
    .boxed()
}

/// The certificate that Kubernetes would be shown.
fn shown(places: &Places, held: &Credentials) -> Vec<u8> {
    let name = CommonName::parse(NAME).unwrap();
    let Ok(tls) = places.tls(&name, held) else { panic!("a client was made of it") };
    let resolver = tls.client_auth_cert_resolver;
    let pair = resolver.resolve(&[], &[SignatureScheme::ECDSA_NISTP256_SHA256]).unwrap();
    pair.end_entity_cert().unwrap().to_vec()
}

/// Whether this very text is written as a common name, after what all common names begin with.
fn has_common_name(der: &[u8], name: &str) -> bool {
    const OID: [u8; 5] = [6, 3, 0x55, 4, 3];
    let length = u8::try_from(name.len()).unwrap();
    der.windows(OID.len() + 2 + name.len()).any(|bytes| {
        bytes.starts_with(&OID)
            && bytes[OID.len() + 1] == length
            && bytes.ends_with(name.as_bytes())
    })
}

#[test]
fn fuzzed_homes_make_their_tool_a_client_or_none_and_nobody_elses() {
    let house = House::new();
    house.make(NAME, NAME);
    let read = |file| fs::read_to_string(house.home(NAME).join(file)).unwrap();
    let (certificate, key) = (read(CERTIFICATE), read(KEY));
    let (foreign, foreign_key) = pair("neighbour");
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let foreign_der = CertificateDer::from_pem_slice(foreign.as_bytes()).unwrap();
    let valid = [
        certificate.clone(),
        key.clone(),
        foreign.clone(),
        foreign_key.clone(),
        format!("{key}{certificate}"),
        format!("{foreign_key}{foreign}"),
        format!("Subject: CN={NAME}\r\n{certificate}\r\n{foreign}{key}"),
    ];
    let any = || files(&valid, &der);
    let homes = prop_oneof![
        2 => (any(), Just(key.into_bytes())),
        2 => (Just(certificate.into_bytes()), any()),
        1 => (any(), Just(foreign_key.into_bytes())),
        1 => (Just(foreign.into_bytes()), any()),
        2 => (any(), any()),
    ];
    let (name, places) = (CommonName::parse(NAME).unwrap(), &house.directory.places);
    let Ok(Credentials { owner, .. }) = places.read(&name) else { panic!("it is a good home") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    fuzz("PEM in homes", homes, |(certificate, key)| {
        let held = Credentials { certificate, key, owner };
        let client = {
            let _runtime = runtime.enter();
            places.client(&name, &held).map(drop)
        };
        // Each client has a task, which ends with it.
        runtime.block_on(tokio::task::yield_now());
        match client {
            Ok(()) => {}
            Err(HomeError::Final(
                error @ (ConnectError::Misconfigured(_) | ConnectError::NoFileLeft),
            )) => return Err(TestCaseError::fail(format!("a home made us say {error:?}"))),
            Err(HomeError::HalfWritten(_) | HomeError::Final(_)) => return Ok(false),
        }
        let shown = shown(places, &held);
        prop_assert!(has_common_name(&shown, NAME));
        prop_assert_ne!(shown.as_slice(), foreign_der.as_ref());
        Ok(true)
    });
}
