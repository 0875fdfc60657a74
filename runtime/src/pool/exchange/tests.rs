use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::BodyExt;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::PrivateKeyDer,
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::pool::client::{self, Calls, client};

/// Asks a server in the clear, over a client that is otherwise as ours.
async fn ask(address: SocketAddr) -> kube::Error {
    let server = format!("http://{address}").parse().unwrap();
    let tls = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
    let client = client(&server, &tls.with_no_client_auth(), &Calls::default());
    let request = http::Request::get("/").body(kube::client::Body::empty()).unwrap();
    client.send(request).await.unwrap_err()
}

#[tokio::test]
async fn what_was_sent_is_told_from_what_never_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hang_up_after_reading = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 16]).await.unwrap();
    };
    let (error, ()) = tokio::join!(ask(address), hang_up_after_reading);
    assert!(!was_never_sent(&error), "{error:?}");
    drop(listener);
    let error = ask(address).await;
    assert!(was_never_sent(&error), "{error:?}");
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server's TLS that lets in whom `issuer` knows.
fn tls(issuer: &Issuer, version: &'static SupportedProtocolVersion) -> TlsAcceptor {
    let mut roots = RootCertStore::empty();
    roots.add(issuer.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::IpAddress("127.0.0.1".parse().unwrap())];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Asks a server that trusts `trusted`, by a client whose certificate is signed by `signer`.
async fn ask_with_tls(
    trusted: &Issuer,
    signer: &Issuer,
    version: &'static SupportedProtocolVersion,
) -> Result<Bytes, kube::Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        // An alert is on its way when this fails; whoever hangs up with bytes unread takes it back.
        let accepted = tls(trusted, version).accept(stream).into_fallible().await;
        let mut stream = match accepted {
            Ok(stream) => stream,
            Err((_, mut stream)) => {
                let _ = stream.read_to_end(&mut Vec::new()).await;
                return;
            }
        };
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    };
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().signed_by(&key, signer).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone()).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let tls = client::tls(roots.into(), vec![certificate.der().clone()], key).unwrap();
    let server = format!("https://{address}").parse().unwrap();
    let client = client(&server, &tls, &Calls::default());
    let request = http::Request::get("/").body(kube::client::Body::empty()).unwrap();
    let ask = async { Ok(client.send(request).await?.into_body().collect().await?.to_bytes()) };
    tokio::join!(ask, serve).0
}

#[tokio::test]
async fn a_certificate_of_a_ca_that_the_server_does_not_know_is_refused_by_tls() {
    let [trusted, unknown] = [authority(), authority()];
    // With 1.3 the request is on its way by then.
    for version in [&TLS12, &TLS13] {
        assert_eq!(ask_with_tls(&trusted, &trusted, version).await.unwrap(), "ok");
        let error = ask_with_tls(&trusted, &unknown, version).await.unwrap_err();
        assert!(was_refused_by_tls(&error), "{version:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_hangs_up_refuses_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hang_up = async { drop(listener.accept().await) };
    let (error, ()) = tokio::join!(ask(address), hang_up);
    assert!(!was_refused_by_tls(&error), "{error:?}");
    drop(listener);
    assert!(!was_refused_by_tls(&ask(address).await));
}

#[test]
fn an_alert_about_anything_but_certificates_is_nobodys_fault() {
    for alert in [AlertDescription::HandshakeFailure, AlertDescription::InternalError] {
        assert!(!is_about_a_certificate(alert));
    }
}
