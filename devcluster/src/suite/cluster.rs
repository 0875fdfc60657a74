//! The cluster under test, as its administrator sees it.

use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use k8s_openapi::api::{
    authorization::v1::SubjectAccessReview,
    core::v1::{Namespace, Node, ResourceQuota, ServiceAccount},
};
use kube::{
    Api, Config,
    api::{DeleteParams, ListParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::json;
use tokio::{fs, process::Command};

use super::{Environment, eventually, rights};
use crate::{
    ABSENT_IMAGE, Authority, Identity, Installed, Options, Outage, Site, Subject,
    home::{self, Address, Home},
    namespace,
};

/// How long Kubernetes may take to make a namespace usable.
const NAMESPACE_TIME_MAX: Duration = Duration::from_secs(60);
/// How long a daemon may take to stop or to start again.
const FAULT_TIME_MAX: Duration = Duration::from_secs(120);

/// What is taken away.
const DAEMON: &str = "kube-apiserver";

/// Where to test.
#[derive(Debug, Clone)]
pub enum Place {
    /// On the cluster that the environment names.
    Named,
    /// On one of our own, in this process; its pods are supervised by this program.
    Embedded(PathBuf),
}

/// A cluster, and what is needed to make tools on it.
pub struct Cluster {
    /// Where it is.
    pub site: Site,
    /// The administrator's client.
    pub admin: kube::Client,
    ground: Ground,
    run: String,
    first: u32,
    tools: AtomicU32,
}

enum Ground {
    Named(Box<(Environment, Authority)>),
    Embedded(Arc<crate::Cluster>),
}

/// What is made for a tool; see [`super::Tool`] for what can be done with it.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) home: Home,
    pub(crate) identity: Identity,
}

impl Cluster {
    /// Prepares to use a cluster, or starts it.
    ///
    /// # Errors
    /// When it can't be reached, or we lack what is needed; the text says which.
    pub async fn at(place: Place) -> Result<Self, String> {
        let (ground, site, admin) = match place {
            Place::Named => connect(Environment::read().map_err(text)?).await?,
            Place::Embedded(program) => start(program).await?,
        };
        // Two runs may share a cluster, and one may have left something behind.
        let random = RandomState::new().hash_one(std::process::id());
        let first = u32::try_from(random % 100_000).unwrap_or(0);
        Ok(Self { site, admin, ground, run: letters(random), first, tools: AtomicU32::new(0) })
    }

    /// What the environment says of it, unless it is our own.
    pub fn environment(&self) -> Option<&Environment> {
        match &self.ground {
            Ground::Named(named) => Some(&named.0),
            Ground::Embedded(_) => None,
        }
    }

    /// The service to test, when it was there before.
    pub fn installed(&self) -> Option<&Installed> {
        self.environment()?.service.as_ref()
    }

    /// The CA, which signs the certificates of tools.
    pub fn authority(&self) -> &Authority {
        match &self.ground {
            Ground::Named(named) => &named.1,
            Ground::Embedded(cluster) => cluster.authority(),
        }
    }

    /// A client of Kubernetes that shows this certificate, or none.
    ///
    /// # Panics
    /// When the certificate can't be used.
    pub async fn kubernetes(&self, identity: Option<&Identity>) -> kube::Client {
        let user = identity.map_or_else(|| json!({}), home::user);
        let address = Address { server: &self.site.server, ca: &self.site.ca };
        let kubeconfig = home::kubeconfig(address, &user, "default");
        let kubeconfig = serde_json::from_value(kubeconfig).expect("a kubeconfig");
        client(kubeconfig).await.unwrap_or_else(|error| panic!("no client: {error}"))
    }

    /// Talks to the API server itself, as whoever shows this certificate.
    ///
    /// # Panics
    /// When the server's URL is not one of an IP address.
    pub async fn raw_client(&self, identity: Option<&Identity>) -> super::Client {
        let address = self.site.server.strip_prefix("https://").and_then(|it| it.parse().ok());
        let address = address.expect("the API server's address is https://IP:PORT");
        let ca = fs::read_to_string(&self.site.ca).await.expect("the CA's file");
        super::Client::new(address, &ca, identity)
    }

    /// The one in this process, with its knobs; `None` when it is one that the environment names.
    pub fn embedded(&self) -> Option<&Arc<crate::Cluster>> {
        match &self.ground {
            Ground::Named(_) => None,
            Ground::Embedded(cluster) => Some(cluster),
        }
    }

    /// Where pods reach what listens on this machine.
    ///
    /// # Panics
    /// When the cluster does not say where its node is, or there is no way to it.
    pub async fn address_for_pods(&self) -> IpAddr {
        if !self.is_real() {
            // They are processes of this machine.
            return Ipv4Addr::LOCALHOST.into();
        }
        let nodes = Api::<Node>::all(self.admin.clone()).list(&ListParams::default()).await;
        let mut addresses =
            nodes.expect("nodes").items.into_iter().flat_map(|node| {
                node.status.and_then(|status| status.addresses).unwrap_or_default()
            });
        let internal = addresses.find(|address| address.type_ == "InternalIP");
        let node: IpAddr = internal.and_then(|it| it.address.parse().ok()).expect("a node");
        // From where the system would talk to the node, the node can be answered.
        let any: IpAddr = if node.is_ipv6() {
            Ipv6Addr::UNSPECIFIED.into()
        } else {
            Ipv4Addr::UNSPECIFIED.into()
        };
        let socket = UdpSocket::bind((any, 0)).expect("a socket");
        socket.connect((node, 9)).expect("a way to the node");
        socket.local_addr().expect("it is connected").ip()
    }

    /// Whether it is a whole Kubernetes, with kinds of object that no job needs.
    pub fn is_real(&self) -> bool {
        self.environment().is_some()
    }

    /// Whether faults can be made.
    pub(crate) fn can_fail(&self) -> bool {
        self.environment().is_none_or(|environment| environment.command.is_some())
    }

    /// The name of a tool that nobody has used, and a certificate for it. Nothing exists yet.
    pub(crate) fn plan_tool(&self, purpose: &str) -> Made {
        let number = self.tools.fetch_add(1, Ordering::Relaxed);
        let name = format!("e2e-{purpose}-{}{number}", self.run);
        let home = Home::of(self.site.homes.join(&name), self.first.wrapping_add(number));
        let identity = self.authority().issue(Subject::tool(&name));
        Made { name, home, identity }
    }

    /// Makes everything that a tool has. The certificate in its home may be any.
    ///
    /// # Panics
    /// When it can't be made.
    pub(crate) async fn make_tool(&self, made: &Made, in_home: &Identity) {
        let Made { name, home, .. } = made;
        if let Ground::Embedded(cluster) = &self.ground {
            let outcome = cluster.make_tool(name, home, in_home).await;
            return outcome.unwrap_or_else(|error| panic!("a tool can be made: {error}"));
        }
        let address = Address { server: &self.site.server, ca: &self.site.ca };
        let outcome = home.make(in_home, address, &namespace::name_of(name)).await;
        outcome.unwrap_or_else(|error| panic!("a home can be made: {error}"));
        let outcome = rights::make_namespace(&self.admin, name).await;
        outcome.unwrap_or_else(|error| panic!("a namespace can be made: {error}"));
        self.until_usable(name).await;
    }

    /// Until pods can be made, the quota counts, and the tool's rights are known.
    async fn until_usable(&self, tool: &str) {
        let namespace = namespace::name_of(tool);
        let accounts = Api::<ServiceAccount>::namespaced(self.admin.clone(), &namespace);
        let quotas = Api::<ResourceQuota>::namespaced(self.admin.clone(), &namespace);
        let reviews = Api::<SubjectAccessReview>::all(self.admin.clone());
        let review = json!({"metadata": {}, "spec": {"user": tool, "resourceAttributes": {
            "namespace": namespace, "verb": "create", "group": "batch", "resource": "jobs",
        }}});
        let review = serde_json::from_value(review).expect("a review");
        eventually("the namespace can be used", NAMESPACE_TIME_MAX, async || {
            accounts.get("default").await.map_err(|error| error.to_string())?;
            let quota = quotas.get("tool").await.map_err(|error| error.to_string())?;
            let counts = quota.status.is_some_and(|status| status.used.is_some());
            let reviewed = reviews.create(&PostParams::default(), &review).await;
            let status = reviewed.map_err(|error| error.to_string())?.status;
            let may = status.is_some_and(|status| status.allowed);
            if counts && may { Ok(()) } else { Err(format!("quota {counts}, rights {may}")) }
        })
        .await;
    }

    /// Takes away a tool and everything that it has, as far as that can be done in a reasonable
    /// time.
    pub(crate) async fn remove(&self, made: &Made) {
        const GONE_TIME_MAX: Duration = Duration::from_secs(45);
        let namespaces = Api::<Namespace>::all(self.admin.clone());
        let name = namespace::name_of(&made.name);
        let removal = async {
            let _ = namespaces.delete(&name, &DeleteParams::default()).await;
            // What runs in a home would write into it again.
            let mut looks = tokio::time::interval(Duration::from_millis(100));
            while matches!(namespaces.get_opt(&name).await, Ok(Some(_))) {
                looks.tick().await;
            }
        };
        let _ = tokio::time::timeout(GONE_TIME_MAX, removal).await;
        let _ = fs::remove_dir_all(&made.home.path).await;
    }

    /// Takes the API server away.
    ///
    /// # Panics
    /// When that can't be done.
    pub async fn begin_outage(&self, outage: Outage) -> OutageGuard {
        match &self.ground {
            Ground::Named(named) => {
                let command = named.0.command.clone().expect("TJF_CLUSTER_COMMAND is set");
                let (begin, end) = match outage {
                    Outage::StandsStill => ("pause", vec!["resume", DAEMON]),
                    Outage::Killed => ("kill", vec!["up"]),
                };
                // Ended from here on, whatever happens.
                let outage = OutageGuard { ending: Some(Ending::Command(command.clone(), end)) };
                tell(&command, &[begin, DAEMON]).await;
                outage
            }
            Ground::Embedded(cluster) => {
                let guard = OutageGuard { ending: Some(Ending::Mend(Arc::clone(cluster))) };
                cluster.fail(outage).await;
                guard
            }
        }
    }
}

async fn connect(environment: Environment) -> Result<(Ground, Site, kube::Client), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("run these tests as root: they make homes that belong to users".to_owned());
    }
    let Environment { site, .. } = &environment;
    let read = async |file: &Path| {
        let text = fs::read_to_string(file).await;
        text.map_err(|error| format!("{}: {error}", file.display()))
    };
    let authority = Authority::from_pem(&read(&site.ca).await?, &read(&environment.ca_key).await?);
    let admin = administrator(&environment.kubeconfig).await?;
    let version = admin.apiserver_version().await;
    version.map_err(|error| format!("the cluster at {}: {error}", site.server))?;
    let site = site.clone();
    Ok((Ground::Named(Box::new((environment, authority))), site, admin))
}

async fn start(program: PathBuf) -> Result<(Ground, Site, kube::Client), String> {
    let options = Options {
        program: Some(program),
        absent_images: vec![ABSENT_IMAGE.to_owned()],
        ..Options::default()
    };
    let cluster = crate::Cluster::start(options).await.map_err(text)?;
    let site = cluster.site();
    let kubeconfig = cluster.write_kubeconfig().await.map_err(text)?;
    let admin = administrator(&kubeconfig).await?;
    Ok((Ground::Embedded(Arc::new(cluster)), site, admin))
}

#[expect(clippy::disallowed_methods, reason = "the administrator's, on a cluster for tests")]
async fn administrator(kubeconfig: &Path) -> Result<kube::Client, String> {
    client(Kubeconfig::read_from(kubeconfig).map_err(text)?).await
}

async fn client(kubeconfig: Kubeconfig) -> Result<kube::Client, String> {
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(text)?;
    kube::Client::try_from(config).map_err(text)
}

/// An outage of the API server; it ends when this is dropped, also when a test fails.
#[must_use = "the outage ends when this is dropped"]
pub struct OutageGuard {
    ending: Option<Ending>,
}

enum Ending {
    Command(PathBuf, Vec<&'static str>),
    Mend(Arc<crate::Cluster>),
}

impl OutageGuard {
    /// Ends the outage and waits until that is done.
    ///
    /// # Panics
    /// When it can't be ended.
    pub async fn end(mut self) {
        match self.ending.take() {
            Some(Ending::Command(command, words)) => tell(&command, &words).await,
            Some(Ending::Mend(cluster)) => cluster.mend().expect("its port is still free"),
            None => {}
        }
    }
}

impl Drop for OutageGuard {
    fn drop(&mut self) {
        match self.ending.take() {
            Some(Ending::Command(command, words)) => {
                let mut command = std::process::Command::new(command);
                let _ = command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).status();
            }
            Some(Ending::Mend(cluster)) => drop(cluster.mend()),
            None => {}
        }
    }
}

/// Tells the cluster's own command.
async fn tell(command: &Path, words: &[&str]) {
    let mut command = Command::new(command);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = tokio::time::timeout(FAULT_TIME_MAX, command.status()).await;
    let status = status.expect("the cluster's command ends").expect("it can be run");
    assert!(status.success(), "the cluster's command {words:?} ended with {status}");
}

fn letters(mut number: u64) -> String {
    const LETTERS: &[u8; 20] = b"bcdfghjklmnpqrstvwxz";
    let mut next = || {
        let letter = LETTERS[usize::try_from(number % 20).unwrap_or(0)];
        number /= 20;
        char::from(letter)
    };
    (0..4).map(|_| next()).collect()
}
fn text(error: impl std::error::Error) -> String {
    error.to_string()
}
