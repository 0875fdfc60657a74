//! The product's service, as a process of its own.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use thiserror::Error;
use tokio::{
    fs,
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, ChildStderr},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

use crate::{Authority, Identity, Programs, secrets};

const START_TIME_MAX: Duration = Duration::from_secs(20);
/// The service's own limit for a drain is 25 s.
const END_TIME_MAX: Duration = Duration::from_secs(30);
/// For what it tells its administrator.
const ADMIN_TIME_MAX: Duration = Duration::from_secs(5);

/// A cluster, as a service is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// URL of the API server.
    pub server: String,
    /// The file of the CA that signed the API server's certificate, and signs those of tools.
    pub ca: PathBuf,
    /// The folder of all homes, at the same path here and in the pods.
    pub homes: PathBuf,
    /// An image that has a shell.
    pub image: String,
}

/// An image that can't be had, which every catalogue of ours has too.
pub const ABSENT_IMAGE: &str = "tjf.local/gone:1";

/// Why there is no service.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// Its files can't be written, or it can't be run.
    #[error("the service can't be started: {0}")]
    Io(#[from] std::io::Error),
    /// It does not begin to serve.
    #[error("the service does not begin to serve; it said:\n{0}")]
    Silent(String),
}

/// A service that somebody else has installed, for instance in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Where its API is.
    pub address: SocketAddr,
    /// Where its health is.
    pub admin_address: SocketAddr,
    /// The file of the CA of its certificate.
    pub ca: PathBuf,
    /// Whether the address is that of a proxy which verifies the callers.
    pub is_behind_proxy: bool,
    /// An image of another version, to upgrade to.
    pub other_image: Option<String>,
}

/// A running `toolforge-jobs-api`.
pub struct Service {
    /// Where its API is.
    pub address: SocketAddr,
    /// Where its health is.
    pub admin_address: SocketAddr,
    /// The CA of its certificate, in PEM.
    pub ca: String,
    ca_file: PathBuf,
    process: Option<Process>,
}

/// A process of ours; killed when dropped.
struct Process {
    child: tokio::sync::Mutex<Child>,
    pid: Pid,
    log: Log,
    /// Closed when the log has come to its end.
    announced: watch::Receiver<Addresses>,
    folder: Arc<TempDir>,
    _reader: JoinSet<()>,
}

/// What a service's environment has beside what all of them have.
pub type Variables = &'static [(&'static str, &'static str)];

/// How one is started, beside the programs and the site.
struct Start {
    folder: Arc<TempDir>,
    ca: String,
    address: IpAddr,
    variables: Variables,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn push(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Service {
    /// Starts one, on ports of its own.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn start(programs: &Programs, site: &Site) -> Result<Self, ServiceError> {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), programs, site).await
    }

    /// The same, at another of this machine's addresses.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn start_at(
        address: IpAddr,
        programs: &Programs,
        site: &Site,
    ) -> Result<Self, ServiceError> {
        Self::start_set(address, &[], programs, site).await
    }

    /// One that is set up otherwise than all others, by these variables.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub(crate) async fn start_set(
        address: IpAddr,
        variables: Variables,
        programs: &Programs,
        site: &Site,
    ) -> Result<Self, ServiceError> {
        let authority = Authority::generate("devcluster");
        let folder = Arc::new(write_files(&authority, address, site).await?);
        let ca = authority.certificate;
        Self::start_with(Start { folder, ca, address, variables }, programs, site).await
    }

    /// Another one with the same files, as a manager of processes would start it after this one has
    /// gone. Its ports are others.
    ///
    /// # Errors
    /// [`ServiceError`].
    ///
    /// # Panics
    /// When somebody else has started this one.
    pub async fn next(&self, programs: &Programs, site: &Site) -> Result<Self, ServiceError> {
        let (folder, ca) = (Arc::clone(&self.process().folder), self.ca.clone());
        let start = Start { folder, ca, address: self.address.ip(), variables: &[] };
        Self::start_with(start, programs, site).await
    }

    async fn start_with(
        start: Start,
        programs: &Programs,
        site: &Site,
    ) -> Result<Self, ServiceError> {
        let Start { folder, ca, address, variables } = start;
        let file = |name: &str| folder.path().join(name);
        let mut child = programs
            .service()
            .env_clear()
            .env("TJF_LISTEN", SocketAddr::new(address, 0).to_string())
            .env("TJF_ADMIN_LISTEN", "127.0.0.1:0")
            .env("TJF_IDENTITY", "peer-certificate")
            .env("TJF_TLS_CERT", file("tls.crt"))
            .env("TJF_TLS_KEY", file("tls.key"))
            .env("TJF_CLIENT_CA", &site.ca)
            .env("TJF_KUBE_SERVER", &site.server)
            .env("TJF_KUBE_CA", &site.ca)
            .env("TJF_HOMES", &site.homes)
            .env("TJF_CATALOGUE", file("catalogue.json"))
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        let pipe = pid.zip(child.stderr.take());
        let (pid, stderr) = pipe.ok_or_else(|| std::io::Error::other("it ended at once"))?;
        let log = Log::default();
        let (announce, mut announced) = watch::channel(None);
        let mut reader = JoinSet::new();
        reader.spawn(read_log(stderr, log.clone(), announce));
        let began = timeout(START_TIME_MAX, announced.wait_for(Option::is_some)).await;
        let Ok(Ok(Some((address, admin_address)))) = began.map(|value| value.map(|value| *value))
        else {
            return Err(ServiceError::Silent(log.lines().join("\n")));
        };
        let child = tokio::sync::Mutex::new(child);
        let ca_file = file("ca.crt");
        let process = Process { child, pid, log, announced, folder, _reader: reader };
        Ok(Self { address, admin_address, ca, ca_file, process: Some(process) })
    }

    /// One that runs already.
    ///
    /// # Errors
    /// When the file of its CA can't be read.
    pub async fn installed(installed: &Installed) -> Result<Self, ServiceError> {
        let Installed { address, admin_address, ca: ca_file, .. } = installed.clone();
        let ca = fs::read_to_string(&ca_file).await?;
        Ok(Self { address, admin_address, ca, ca_file, process: None })
    }

    /// The file of its CA.
    pub fn ca_file(&self) -> PathBuf {
        self.ca_file.clone()
    }

    /// Its log so far; empty when somebody else has it.
    pub fn log(&self) -> Vec<String> {
        self.process.as_ref().map(|process| process.log.lines()).unwrap_or_default()
    }

    /// The number of its process.
    ///
    /// # Panics
    /// When somebody else has started it.
    pub fn pid(&self) -> i32 {
        self.process().pid.as_raw_nonzero().get()
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("a service that this program has started")
    }

    /// Asks it to drain.
    ///
    /// # Panics
    /// When it is not there.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Lets it read its files anew.
    ///
    /// # Panics
    /// When it is not there.
    pub fn look_now(&self) {
        self.signal(Signal::HUP);
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it is not there.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.process().pid, signal).expect("the service is there");
    }

    /// How it ended, when its log is whole.
    ///
    /// # Panics
    /// When it does not end in the time for a drain.
    pub async fn ended(&self) -> ExitStatus {
        let Process { child, announced, .. } = self.process();
        let (ended, mut announced) = (async { child.lock().await.wait().await }, announced.clone());
        let ended = async {
            let status = ended.await;
            while announced.changed().await.is_ok() {}
            status
        };
        let status = timeout(END_TIME_MAX, ended).await;
        status.expect("the service ends").expect("it was waited for")
    }

    /// Ends it, when it is ours and still there. What it has counted and all of its log has then been
    /// read.
    pub(crate) async fn close(&self) {
        // Of one that has ended, or stands still, there is nothing more to read.
        let _ = timeout(ADMIN_TIME_MAX, self.admin("/metrics")).await;
        let Some(Process { child, announced, .. }) = &self.process else { return };
        let (mut child, mut announced) = (child.lock().await, announced.clone());
        if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)) {
            let _ = kill_process(pid, Signal::TERM);
            if timeout(END_TIME_MAX, child.wait()).await.is_err() {
                let _ = child.kill().await;
            }
        }
        let _ = timeout(ADMIN_TIME_MAX, async { while announced.changed().await.is_ok() {} }).await;
    }

    /// The memory that it has now, in KiB.
    ///
    /// # Panics
    /// When it is not there.
    pub async fn memory(&self) -> u64 {
        self.status("VmRSS:").await
    }

    /// The most memory that it has had so far, in KiB.
    ///
    /// # Panics
    /// When it is not there.
    pub async fn memory_peak(&self) -> u64 {
        self.status("VmHWM:").await
    }

    async fn status(&self, field: &str) -> u64 {
        let path = format!("/proc/{}/status", self.pid());
        let status = fs::read_to_string(path).await.expect("the service is there");
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        number.expect("Linux tells a process's memory")
    }

    /// Asks its admin listener; gives the status line and all that follows.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn admin(&self, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.admin_address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        secrets::search_record(path, answer.as_bytes());
        Ok(answer)
    }
}

async fn write_files(
    authority: &Authority,
    address: IpAddr,
    site: &Site,
) -> std::io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let Identity { certificate, key } = authority.issue_for(address);
    let catalogue = json!([
        {"shortname": "tf-busybox", "image": site.image, "state": "stable",
         "aliases": ["busybox"]},
        {"shortname": "tf-gone", "image": ABSENT_IMAGE, "state": "deprecated"},
    ]);
    let path = folder.path();
    fs::write(path.join("ca.crt"), &authority.certificate).await?;
    fs::write(path.join("tls.crt"), certificate).await?;
    fs::write(path.join("tls.key"), key).await?;
    fs::write(path.join("catalogue.json"), catalogue.to_string()).await?;
    Ok(folder)
}

type Addresses = Option<(SocketAddr, SocketAddr)>;

async fn read_log(stderr: ChildStderr, log: Log, announce: watch::Sender<Addresses>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let value = |key: &str| line.split_whitespace().find_map(|word| word.strip_prefix(key));
        if line.contains("listening on https://")
            && let Some(address) = value("address=").and_then(|text| text.parse().ok())
            && let Some(admin) = value("admin_address=").and_then(|text| text.parse().ok())
        {
            announce.send_replace(Some((address, admin)));
        }
        // Of a panic too.
        secrets::search_record("the log of a service", line.as_bytes());
        log.push(line);
    }
}
