//! The cluster: everything together, in this process.

use std::{
    fs::Permissions,
    hash::{BuildHasher, RandomState},
    io, mem,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use rustix::process::geteuid;
use serde_json::{Value, json};
use tempfile::TempDir;
use thiserror::Error;
use tokio::{net::TcpListener, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    Authority, Identity, Site, Subject,
    apiserver::{ADMINISTRATORS, ApiServer, Fault, RecordedCall},
    controllers::engine,
    home::{self, Address, Home, UID_MIN},
    kind::Kind,
    kubelet::{Kubelet, Node},
    namespace,
    object::Object,
    shared::Shared,
    store::{Refusal, Store},
};

/// The CA's name, as on a real cluster.
const AUTHORITY: &str = "kubernetes";

/// Where everything is, in the cluster's own folder.
const HOMES: &str = "homes";
const LOGS: &str = "logs";

/// What jobs run in, as the catalogue has it.
const IMAGE: &str = "tjf.local/this-machine:1";

/// What kind of cluster it is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who moves time.
    pub time: Time,
    /// This crate's own program, which supervises pods. Without it no pod ever begins.
    pub program: Option<PathBuf>,
    /// Images that can't be had.
    pub absent_images: Vec<String>,
    /// How many changes are remembered: a watch that is further behind has to begin anew.
    pub changes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        let (time, program, absent_images) = (Time::Real, None, Vec::new());
        Self { time, program, absent_images, changes_max: 10_000 }
    }
}

/// Who moves time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Time {
    /// It goes by itself, and the controllers with it.
    #[default]
    Real,
    /// It stands here until [`Cluster::advance`], and controllers until [`Cluster::settle`].
    Explicit(Timestamp),
}

/// How an API server is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// It takes connections, and answers nothing.
    StandsStill,
    /// It is not there, and its connections have ended.
    Killed,
}

/// Why there is no cluster.
#[derive(Debug, Error)]
pub enum StartError {
    /// Neither port nor folder.
    #[error("the cluster can't be started: {0}")]
    Io(#[from] io::Error),
    /// Root that is none.
    #[error(
        "root may not give files to other users here, so no tool could own its home ({0}): run \
         this as an ordinary user, or in a container that has other users (without a user \
         namespace of one id)"
    )]
    RootWithoutUsers(io::Error),
}

/// A tool that can't be made.
#[derive(Debug, Error)]
pub enum ToolError {
    /// Its home can't be.
    #[error("the home can't be made: {0}")]
    Home(#[from] io::Error),
    /// Its namespace can't be.
    #[error("the namespace can't be made: {0}")]
    Namespace(#[from] Refusal),
}

/// A cluster that runs. When it is dropped, every process of its pods is killed, and its folder
/// goes.
pub struct Cluster {
    authority: Authority,
    time: Time,
    address: SocketAddr,
    shared: Arc<Shared>,
    server: Arc<ApiServer>,
    serving: Mutex<JoinSet<()>>,
    controllers: JoinSet<()>,
    closed: CancellationToken,
    kubelet: JoinSet<()>,
    folder: TempDir,
}

impl Cluster {
    /// Starts a cluster, on a port and in a folder of its own.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let folder = make_folder().await?;
        let seed = RandomState::new().hash_one(std::process::id());
        let stands_at = match options.time {
            Time::Real => None,
            Time::Explicit(at) => Some(at),
        };
        let shared = Arc::new(Shared::new(Store::new(seed, options.changes_max), stands_at));
        let authority = Authority::generate(AUTHORITY);
        tokio::fs::write(folder.path().join("ca.crt"), &authority.certificate).await?;
        let logs = folder.path().join(LOGS);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let server = ApiServer::new(Arc::clone(&shared), &authority, logs.clone());
        let mut serving = JoinSet::new();
        serving.spawn(Arc::clone(&server).serve(listener));
        let mut controllers = JoinSet::new();
        if stands_at.is_none() {
            controllers.spawn(control(Arc::clone(&shared)));
        }
        let closed = CancellationToken::new();
        let mut kubelet = JoinSet::new();
        if let Some(program) = options.program {
            let node = Node {
                shared: Arc::clone(&shared),
                program,
                logs,
                absent_images: options.absent_images,
                homes: folder.path().join(HOMES),
            };
            kubelet.spawn(Kubelet::new(node).run(closed.clone()));
        }
        let serving = Mutex::new(serving);
        Ok(Self {
            authority,
            time: options.time,
            address,
            shared,
            server,
            serving,
            controllers,
            closed,
            kubelet,
            folder,
        })
    }

    /// The CA, which signs the certificates of clients and of the API server.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// A certificate with which everything is allowed.
    pub fn administrator(&self) -> Identity {
        self.authority.issue(Subject::tool("admin").of_organization(ADMINISTRATORS))
    }

    /// Where it is, for those who use it.
    pub fn site(&self) -> Site {
        Site {
            server: format!("https://{}", self.address),
            ca: self.folder.path().join("ca.crt"),
            homes: self.folder.path().join(HOMES),
            image: IMAGE.to_owned(),
        }
    }

    /// Writes a kubeconfig with which everything is allowed, and gives its file.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn write_kubeconfig(&self) -> io::Result<PathBuf> {
        let identity = self.administrator();
        let Site { server, ca, .. } = self.site();
        let address = Address { server: &server, ca: &ca };
        let user = home::user(&identity);
        let file = self.folder.path().join("kubeconfig");
        let kubeconfig = home::kubeconfig(address, &user, "default").to_string();
        home::write_private(&file, &kubeconfig).await?;
        Ok(file)
    }

    /// Makes a namespace with limits and a quota, and a home in which this certificate lies.
    ///
    /// # Errors
    /// [`ToolError`].
    pub async fn make_tool(
        &self,
        name: &str,
        home: &Home,
        identity: &Identity,
    ) -> Result<(), ToolError> {
        let namespace = namespace::name_of(name);
        let Site { server, ca, .. } = self.site();
        home.make(identity, Address { server: &server, ca: &ca }, &namespace).await?;
        let labels = json!({"toolforge": "tool"});
        self.create(Kind::Namespace, json!({"metadata": {"name": namespace, "labels": labels}}))?;
        let within = |spec: Value| json!({"metadata": {"name": "tool", "namespace": namespace}, "spec": spec});
        self.create(Kind::LimitRange, within(namespace::limits()))?;
        self.create(Kind::ResourceQuota, within(namespace::quota()))?;
        if self.time == Time::Real {
            // Whoever has it now finds the quota counted.
            self.settle();
        }
        Ok(())
    }

    fn create(&self, kind: Kind, object: Value) -> Result<(), Refusal> {
        self.shared.with(|store, now| engine::create(store, Object::make(kind, object), now))
    }

    /// Moves time: one that stands, or one that goes by itself and is from then on so far ahead of
    /// the machine's, or behind it.
    pub fn advance(&self, by: SignedDuration) {
        self.shared.advance(by);
    }

    /// Lets the controllers do everything that there is to do now.
    pub fn settle(&self) {
        self.shared.settle();
    }

    /// Lets one controller look at one object. False when there is none to look at.
    pub fn step(&self) -> bool {
        self.shared.step()
    }

    /// Lets something go wrong with calls of one user: the common name of a certificate.
    pub fn inject(&self, user: &str, fault: Fault) {
        self.server.faults.add(user, fault);
    }

    /// Takes away what is left of a user's faults.
    pub fn clear_faults(&self, user: &str) {
        self.server.faults.clear(user);
    }

    /// The calls that a user has made since the last time. They are noted from the first fault on,
    /// or from when this is asked first.
    pub fn take_calls(&self, user: &str) -> Vec<RecordedCall> {
        self.server.faults.take_calls(user)
    }

    /// Lets the quotas of a tool count what has been deleted for so much longer.
    pub fn set_quota_lag(&self, tool: &str, by: SignedDuration) {
        let namespace = namespace::name_of(tool);
        self.shared.with(|store, _| store.set_quota_lag(&namespace, by));
    }

    /// Takes the API server away. Nothing is lost: the store stays.
    pub async fn fail(&self, outage: Outage) {
        match outage {
            Outage::StandsStill => self.server.stand_still(true),
            Outage::Killed => {
                let mut serving = mem::take(&mut *self.serving());
                // Whoever brings it back finds its port free.
                serving.shutdown().await;
            }
        }
    }

    /// Brings the API server back, where it was.
    ///
    /// # Errors
    /// When its port is not free any more.
    pub fn mend(&self) -> io::Result<()> {
        self.server.stand_still(false);
        let mut serving = self.serving();
        if serving.is_empty() {
            let listener = std::net::TcpListener::bind(self.address)?;
            listener.set_nonblocking(true)?;
            serving.spawn(Arc::clone(&self.server).serve(TcpListener::from_std(listener)?));
        }
        Ok(())
    }

    fn serving(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all pods, and waits until none of their processes is left.
    pub async fn stop(mut self) {
        // Nothing is started anew for what ends now.
        self.controllers.shutdown().await;
        self.closed.cancel();
        while self.kubelet.join_next().await.is_some() {}
    }
}

/// The controllers, whenever there is something to do.
async fn control(shared: Arc<Shared>) {
    let mut changes = shared.changes();
    loop {
        changes.mark_unchanged();
        // One step at a time, so that requests come in between.
        while shared.step() {
            tokio::task::yield_now().await;
        }
        let due = shared.settle();
        let pause = due.map(|due| due.duration_since(shared.now()));
        let pause = pause.map(|pause| Duration::try_from(pause).unwrap_or(Duration::ZERO));
        tokio::select! {
            _ = changes.changed() => {}
            () = sleep(pause.unwrap_or(Duration::MAX)) => {}
        }
    }
}

/// Everybody may pass through it: tools have to reach their homes.
async fn make_folder() -> Result<TempDir, StartError> {
    let passable = Permissions::from_mode(0o711);
    let folder = tempfile::Builder::new().prefix("tjf-").permissions(passable.clone()).tempdir()?;
    let (homes, logs) = (folder.path().join(HOMES), folder.path().join(LOGS));
    tokio::fs::create_dir(&homes).await?;
    tokio::fs::set_permissions(&homes, passable).await?;
    // Logs are asked for, and given to whoever may see the pod.
    tokio::fs::DirBuilder::new().mode(0o700).create(&logs).await?;
    if geteuid().is_root() {
        let probe = folder.path().join("probe");
        tokio::fs::write(&probe, "").await?;
        chown(&probe, Some(UID_MIN), Some(UID_MIN)).map_err(StartError::RootWithoutUsers)?;
        tokio::fs::remove_file(&probe).await?;
    }
    Ok(folder)
}
