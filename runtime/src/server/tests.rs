#![expect(clippy::disallowed_methods, reason = "a test may block, and its server runs beside it")]

mod admin;
mod certificates;
mod door;
mod floods;
mod limits;
mod wire;

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType,
};
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Notify,
    task::JoinHandle,
    time::Instant,
};
use tokio_rustls::{TlsConnector, client};

use super::*;
use crate::{
    Context, Failure, Json, Route, Router,
    config::{Limits, Reader},
    pool::{Clients, HomeDirectory, KeyFiles, PoolLimits},
};

#[derive(Default)]
struct State {
    entered: Notify,
    go_on: Notify,
    was_done: AtomicBool,
    was_left: Notify,
}

impl Application for Arc<State> {
    type PerCaller = ();
}

async fn hello(context: Context<Arc<State>>) -> Result<Json<String>, Failure> {
    Ok(Json(context.caller.name.to_string()))
}

/// More than any socket takes at once.
const LARGE_BYTES: usize = 16 * 1024 * 1024;

async fn large(_: Context<Arc<State>>) -> Result<Json<String>, Failure> {
    Ok(Json("x".repeat(LARGE_BYTES)))
}

async fn wait(context: Context<Arc<State>>) -> Result<Json<&'static str>, Failure> {
    context.state.entered.notify_one();
    context.state.go_on.notified().await;
    context.state.was_done.store(true, Ordering::SeqCst);
    Ok(Json("done"))
}

/// Tells when nobody waits for it any more.
struct Witness(Arc<State>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.was_left.notify_one();
    }
}

async fn hold(context: Context<Arc<State>>) -> Result<Json<&'static str>, Failure> {
    let _witness = Witness(Arc::clone(&context.state));
    context.state.entered.notify_one();
    std::future::pending().await
}

/// The proxies' name.
const PROXY: &str = "ingress.example";

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A tool's certificate and key.
fn tool(issuer: &Issuer) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    tool_until(issuer, SystemTime::now() + Duration::from_secs(3600))
}

fn tool_until(
    issuer: &Issuer,
    end: SystemTime,
) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let mut params = CertificateParams::default();
    params.not_after = end.into();
    signed(issuer, params, "tf-test")
}

/// The certificate and key of whoever has this name.
fn named(issuer: &Issuer, name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    signed(issuer, CertificateParams::default(), name)
}

fn signed(
    issuer: &Issuer,
    mut params: CertificateParams,
    name: &str,
) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    params.distinguished_name.push(DnType::OrganizationName, "toolforge");
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
}

/// Writes a new certificate of the server's, and gives it.
fn write_own(folder: &Path, issuer: &Issuer) -> CertificateDer<'static> {
    write_own_with(folder, issuer, CertificateParams::default())
}

fn write_own_with(
    folder: &Path,
    issuer: &Issuer,
    mut params: CertificateParams,
) -> CertificateDer<'static> {
    params.subject_alt_names = vec![SanType::IpAddress("127.0.0.1".parse().unwrap())];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    fs::write(folder.join("tls.crt"), certificate.pem()).unwrap();
    fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
    certificate.der().clone()
}

/// A running server, and everything to talk to it.
struct Server {
    issuer: Issuer,
    folder: TempDir,
    own: CertificateDer<'static>,
    own_certificate: Arc<OwnCertificate>,
    state: Arc<State>,
    address: SocketAddr,
    admin_address: SocketAddr,
    shutdown: Shutdown,
    // Taken by whoever waits for the end.
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        Self::start_with("peer-certificate", limits).await
    }

    async fn start_with(door: &str, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let issuer = authority();
        let own = write_own(folder.path(), &issuer);
        fs::write(folder.path().join("ca.crt"), issuer.pem()).unwrap();
        let file = |name: &str| folder.path().join(name).display().to_string();
        let proxy_name = if door == "trusted-header" { PROXY } else { "" };
        let settings: HashMap<&str, String> = [
            ("TJF_LISTEN", "127.0.0.1:0".to_owned()),
            ("TJF_ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
            ("TJF_PROXY_NAME", proxy_name.to_owned()),
            ("TJF_IDENTITY", door.to_owned()),
            ("TJF_TLS_CERT", file("tls.crt")),
            ("TJF_TLS_KEY", file("tls.key")),
            ("TJF_CLIENT_CA", file("ca.crt")),
            ("TJF_KUBE_SERVER", "https://127.0.0.1:1".to_owned()),
        ]
        .into();
        let mut reader = Reader::new(&settings);
        let config = Config::read(&mut reader);
        let config = reader.finish(config).unwrap();
        let homes = HomeDirectory::new(
            folder.path().to_owned(),
            KeyFiles { certificate: "crt", key: "key" },
            config.kube_server.clone(),
            config.kube_ca.clone(),
        );
        let clients = Clients::new(homes, PoolLimits::PRODUCTION);
        let state = Arc::new(State::default());
        let router = Router::new()
            .route(Route::get("/hello/", hello))
            .route(Route::get("/large/", large))
            .route(Route::get("/hold/", hold).time_max(Duration::from_secs(3600)))
            .route(Route::post("/wait/", wait));
        let service = Service::new(&config, limits, router, Arc::new(Arc::clone(&state)), clients);
        let bound = bind(&config, service).await.unwrap();
        let (address, admin_address) = (bound.address().unwrap(), bound.admin_address().unwrap());
        let own_certificate = Arc::clone(&bound.own_certificate);
        let shutdown = Shutdown::new();
        let task =
            Mutex::new(Some(tokio::spawn(bound.serve(shutdown.clone(), LookNow::default()))));
        Self { issuer, folder, own, own_certificate, state, address, admin_address, shutdown, task }
    }

    /// How a client shakes hands that shows this certificate.
    fn client(
        &self,
        shows: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match shows {
            Some((certificate, key)) => {
                builder.with_client_auth_cert(vec![certificate], key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }

    fn tools_client(&self) -> Arc<ClientConfig> {
        self.client(Some(tool(&self.issuer)), rustls::ALL_VERSIONS)
    }

    async fn connect(
        &self,
        config: &Arc<ClientConfig>,
    ) -> io::Result<client::TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::clone(config)).connect(name, stream).await
    }

    async fn admin(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.admin_address).await.unwrap();
        ask(&mut stream, &format!("GET {path} HTTP/1.0\r\n\r\n")).await.unwrap()
    }

    async fn ended(&self) {
        let task = self.task.lock().unwrap().take().unwrap();
        timeout(Duration::from_secs(20), task).await.expect("it ends").unwrap();
    }
}

const HELLO: &str = "GET /hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
const WAIT: &str = "POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
const HELLO_AND_STAY: &str = "GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";

/// A connection that has been asked once, and is kept.
async fn kept(server: &Server, client: &Arc<ClientConfig>) -> client::TlsStream<TcpStream> {
    let mut stream = server.connect(client).await.unwrap();
    stream.write_all(HELLO_AND_STAY.as_bytes()).await.unwrap();
    read_until(&mut stream, "\"tf-test\"").await;
    stream
}

/// Sends, and reads to the end of the connection.
async fn ask<T: AsyncReadExt + AsyncWriteExt + Unpin>(
    stream: &mut T,
    text: &str,
) -> io::Result<String> {
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await?;
    read_all(stream).await
}

async fn read_all<T: AsyncReadExt + Unpin>(stream: &mut T) -> io::Result<String> {
    let mut answer = Vec::new();
    match timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await {
        Ok(Ok(_)) => {}
        // A server that drops a connection need not say goodbye in TLS' own way.
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {}
        Ok(Err(error)) => return Err(error),
        Err(_) => panic!("the connection stays open"),
    }
    Ok(String::from_utf8(answer).unwrap())
}

/// Reads until the text has come.
async fn read_until<T: AsyncReadExt + Unpin>(stream: &mut T, text: &str) -> String {
    let mut answer = String::new();
    while !answer.contains(text) {
        let mut some = [0; 1024];
        let length = stream.read(&mut some).await.unwrap();
        assert!(length > 0, "it ended after {answer:?}");
        answer.push_str(std::str::from_utf8(&some[..length]).unwrap());
    }
    answer
}

/// A request at work, a kept connection, and a newcomer, while the server drains: not ready at
/// once, but all are answered, and told to go; then it ends.
#[tokio::test]
async fn a_drain_answers_everybody_and_then_ends() {
    let limits = Limits { drain_notice_time: Duration::from_secs(1), ..Limits::PRODUCTION };
    let server = Server::start(limits).await;
    let client = server.tools_client();
    let mut at_work = server.connect(&client).await.unwrap();
    at_work.write_all(WAIT.as_bytes()).await.unwrap();
    server.state.entered.notified().await;
    let mut idle = server.connect(&client).await.unwrap();
    idle.write_all(HELLO_AND_STAY.as_bytes()).await.unwrap();
    assert!(!read_until(&mut idle, "\"tf-test\"").await.contains("connection: close"));
    assert!(server.admin("/readyz").await.starts_with("HTTP/1.0 200"));

    server.shutdown.drain();
    assert!(server.admin("/readyz").await.starts_with("HTTP/1.0 503"));
    assert!(server.admin("/livez").await.starts_with("HTTP/1.0 200"));
    let newcomer = ask(&mut server.connect(&client).await.unwrap(), HELLO_AND_STAY).await.unwrap();
    assert!(newcomer.starts_with("HTTP/1.1 200") && newcomer.contains("connection: close"));
    assert_eq!(read_all(&mut idle).await.unwrap(), "", "a kept connection ends");
    server.state.go_on.notify_one();
    let answer = read_all(&mut at_work).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\"done\""), "{answer}");
    server.ended().await;
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn an_abort_waits_for_nobody() {
    let server = Server::start(Limits::PRODUCTION).await;
    let mut at_work = server.connect(&server.tools_client()).await.unwrap();
    at_work.write_all(WAIT.as_bytes()).await.unwrap();
    server.state.entered.notified().await;
    server.shutdown.abort();
    server.ended().await;
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_counted() {
    let server = Server::start(Limits::PRODUCTION).await;
    let client = server.tools_client();
    let head = format!("GET /hello HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(10 * HEAD_BYTES_MAX));
    for (text, status) in [("nonsense\r\n\r\n", "400"), (head.as_str(), "431")] {
        let answer = ask(&mut server.connect(&client).await.unwrap(), text).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    assert!(server.admin("/metrics").await.contains("tjf_requests_malformed_total 2"));
}

/// Whoever deploys the service looks at all files before (see [`Config::check_files`]); what
/// changes in between is told too.
#[tokio::test]
async fn a_file_that_cannot_be_used_is_told_with_its_setting_before_anything_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nothing-here.crt").display().to_string();
    let settings: HashMap<&str, String> = [
        ("TJF_LISTEN", "127.0.0.1:0".to_owned()),
        ("TJF_IDENTITY", "peer-certificate".to_owned()),
        ("TJF_TLS_CERT", missing.clone()),
        ("TJF_TLS_KEY", missing.clone()),
        ("TJF_CLIENT_CA", missing.clone()),
        ("TJF_KUBE_SERVER", "https://127.0.0.1:1".to_owned()),
    ]
    .into();
    let mut reader = Reader::new(&settings);
    let config = Config::read(&mut reader);
    let config = reader.finish(config).unwrap();
    for (faults, key) in [
        (tls::own_certificate(&config).err(), "TJF_TLS_CERT"),
        (tls::client_verifier(&config).err(), "TJF_CLIENT_CA"),
    ] {
        let expected = format!("{key}: {missing}: no such file or directory");
        assert_eq!(faults.unwrap().to_string(), expected);
    }
}
