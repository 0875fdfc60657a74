use std::net::{Ipv4Addr, TcpStream as Blocking};

use rcgen::{CertificateParams, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::PrivateKeyDer,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio::{
    net::{TcpListener, TcpSocket},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use super::*;

/// A server that shakes hands, its certificate, and where it is.
async fn server() -> (JoinHandle<()>, rcgen::Certificate, SocketAddr) {
    server_that_wants(|_| WebPkiClientVerifier::no_client_auth()).await
}

/// One that lets in whom `verifier`, made of its own certificate, lets in.
async fn server_that_wants(
    verifier: impl FnOnce(RootCertStore) -> Arc<dyn ClientCertVerifier>,
) -> (JoinHandle<()>, rcgen::Certificate, SocketAddr) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["jobs.example.org".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier(roots))
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let serving = async move {
        let mut connections = Vec::new();
        while let Ok((tcp, _)) = listener.accept().await {
            connections.push(acceptor.accept(tcp).await);
        }
    };
    #[expect(clippy::disallowed_methods, reason = "the task ends with its test")]
    (tokio::spawn(serving), certificate, address)
}

/// Connections that trust this certificate.
fn connections(trusted: &rcgen::Certificate) -> Connections {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone()).unwrap();
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Connections::new(&"https://jobs.example.org".parse().unwrap(), Arc::new(tls), None)
}

/// A listener that does not accept, with room for so many connections more. What comes after them
/// is swallowed.
fn deaf(room: u32) -> (TcpListener, SocketAddr, Vec<Blocking>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    // The system lets in one more than was asked for.
    let listener = socket.listen(room).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address, vec![Blocking::connect(address).unwrap()])
}

fn refusing() -> SocketAddr {
    // Nobody can listen on port 0.
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn deadline() -> Instant {
    Instant::now() + CONNECT_TIMEOUT
}

#[tokio::test]
async fn addresses_that_say_nothing_or_refuse_do_not_keep_from_the_one_that_answers() {
    let (_serving, certificate, address) = server().await;
    let (_swallows, swallows, _first) = deaf(0);
    let (_silent, silent, _other) = deaf(8);
    let began = Instant::now();
    let addresses = [swallows, refusing(), silent, address];
    let sender = connections(&certificate).connect_to_any(addresses.into_iter(), deadline()).await;
    assert!(sender.is_ok(), "{:?}", sender.err());
    assert!(began.elapsed() < CONNECT_TIMEOUT / 2, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_told_rather_than_one_that_is_away() {
    let (_serving, _, address) = server().await;
    let (_trusted, certificate, trusted) = server().await;
    let connections = connections(&certificate);
    let addresses = [refusing(), address, refusing()];
    let error = connections.connect_to_any(addresses.into_iter(), deadline()).await.err().unwrap();
    assert!(matches!(error, ClientError::Untrusted { .. }), "{error}");
    let sender = connections.connect_to_any([address, trusted].into_iter(), deadline()).await;
    assert!(sender.is_ok(), "{:?}", sender.err());
}

#[tokio::test]
async fn a_host_without_addresses_is_not_reached() {
    let (_serving, certificate, _) = server().await;
    let connections = connections(&certificate);
    let error = connections.connect_to_any([].into_iter(), deadline()).await.err().unwrap();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_judges_before_it_is_asked_is_heard() {
    let wanted = |roots: RootCertStore| {
        let provider = Arc::new(ring::default_provider());
        WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap()
    };
    let (_serving, certificate, address) = server_that_wants(wanted).await;
    let connections = connections(&certificate);
    let connected = connections.connect_to_any([address].into_iter(), deadline()).await;
    let (mut sender, ended) = connected.unwrap();
    while !ended.is_finished() {
        tokio::task::yield_now().await;
    }
    let request = Request::new(Full::default());
    let Err(Unanswered::NotSent(_, source)) =
        connections.answer(&mut sender, request, Instant::now() + ANSWER_TIMEOUT).await
    else {
        panic!("there is no connection any more");
    };
    let error = connections.unused(&source, ended.await);
    assert!(matches!(error, ClientError::Untrusted { .. }), "{error}");
}
