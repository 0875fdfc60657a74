//! The cluster, as its administrator sees it.

use std::{
    fmt::Debug,
    hash::{BuildHasher, RandomState},
    io,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use k8s_openapi::api::{
    authorization::v1::SubjectAccessReview,
    core::v1::{Namespace, ResourceQuota, ServiceAccount},
};
use kube::{
    Api, Config,
    api::{DeleteParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::json;
use tokio::{fs, process::Command};

use super::{Environment, eventually, namespace};
use crate::{Authority, Identity, Subject};

/// Tools' user ids begin here; below are the users of the machine.
const UID_MIN: u32 = 20_000;
/// How long Kubernetes may take to make a namespace usable.
const NAMESPACE_TIME_MAX: Duration = Duration::from_secs(60);
/// How long a daemon may take to stop or to start again.
const FAULT_TIME_MAX: Duration = Duration::from_secs(120);

/// A cluster, and what is needed to make tools on it.
pub struct Cluster {
    /// Where everything is.
    pub environment: Environment,
    /// The administrator's client.
    pub admin: kube::Client,
    /// The CA of the cluster, which signs the certificates of tools.
    pub authority: Authority,
    run: String,
    uid_base: u32,
    tools: AtomicU32,
}

/// What is made for a tool; see [`crate::Tool`] for what can be done with it.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) home: PathBuf,
    pub(crate) identity: Identity,
}

impl Cluster {
    /// Prepares to use the cluster that the environment names.
    ///
    /// # Errors
    /// When it can't be reached, or we lack what is needed; the text says which.
    #[expect(clippy::disallowed_methods, reason = "the administrator's, on a cluster for tests")]
    pub async fn connect(environment: Environment) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("run these tests as root: they make homes that belong to users".to_owned());
        }
        let read = async |file: &Path| {
            let text = fs::read_to_string(file).await;
            text.map_err(|error| format!("{}: {error}", file.display()))
        };
        let authority =
            Authority::from_pem(&read(&environment.ca).await?, &read(&environment.ca_key).await?);
        let kubeconfig = Kubeconfig::read_from(&environment.kubeconfig).map_err(text)?;
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(text)?;
        let admin = kube::Client::try_from(config).map_err(text)?;
        admin
            .apiserver_version()
            .await
            .map_err(|error| format!("the cluster at {}: {error}", environment.server))?;
        // Two runs may share a cluster, and one may have left something behind.
        let random = RandomState::new().hash_one(std::process::id());
        let uid_base = UID_MIN + u32::try_from(random % 100_000).unwrap_or(0) * 1000;
        let (run, tools) = (letters(random), AtomicU32::new(0));
        Ok(Self { environment, admin, authority, run, uid_base, tools })
    }

    /// The name of a tool that nobody has used, and a certificate for it. Nothing exists yet.
    pub(crate) fn plan_tool(&self, purpose: &str) -> Made {
        let number = self.tools.fetch_add(1, Ordering::Relaxed);
        let name = format!("e2e-{purpose}-{}{number}", self.run);
        let home = self.environment.homes.join(&name);
        let identity = self.authority.issue(Subject::tool(&name));
        Made { name, uid: self.uid_base + number, home, identity }
    }

    /// Makes everything that a tool has. The certificate in its home may be any.
    pub(crate) async fn make_tool(&self, made: &Made, in_home: &Identity) {
        must("a home can be made", self.make_home(made, in_home).await);
        must("a namespace can be made", namespace::create(&self.admin, &made.name).await);
        self.until_usable(&made.name).await;
    }

    async fn make_home(&self, made: &Made, identity: &Identity) -> io::Result<()> {
        let Made { name, uid, home, .. } = made;
        fs::create_dir_all(&home).await?;
        fs::set_permissions(&home, PermissionsExt::from_mode(0o755)).await?;
        own(home, *uid)?;
        for folder in [".toolskube", ".kube"].map(|folder| home.join(folder)) {
            fs::create_dir(&folder).await?;
            fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).await?;
            own(&folder, *uid)?;
        }
        let kube = home.join(".toolskube");
        write_private(&kube.join("client.crt"), &identity.certificate, *uid).await?;
        write_private(&kube.join("client.key"), &identity.key, *uid).await?;
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "tool",
            "clusters": [{"name": "cluster", "cluster": {
                "server": self.environment.server, "certificate-authority": self.environment.ca,
            }}],
            "users": [{"name": "tool", "user": {
                "client-certificate": kube.join("client.crt"),
                "client-key": kube.join("client.key"),
            }}],
            "contexts": [{"name": "tool", "context": {
                "cluster": "cluster", "user": "tool", "namespace": namespace::name_of(name),
            }}],
        });
        write_private(&home.join(".kube/config"), &kubeconfig.to_string(), *uid).await
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
            let mut looks = tokio::time::interval(Duration::from_millis(500));
            while matches!(namespaces.get_opt(&name).await, Ok(Some(_))) {
                looks.tick().await;
            }
        };
        let _ = tokio::time::timeout(GONE_TIME_MAX, removal).await;
        let _ = fs::remove_dir_all(&made.home).await;
    }

    /// Makes a fault of a daemon, with the cluster's own command; `end` are the words that end it.
    ///
    /// # Panics
    /// When there is no such command, or it fails.
    pub async fn fault(&self, kind: &str, end: &[&str], daemon: &str) -> Fault {
        let command = self.environment.command.clone().expect("TJF_CLUSTER_COMMAND is set");
        let end = end.iter().map(|&word| word.to_owned()).collect();
        // Ended from here on, whatever happens.
        let fault = Fault { command, end };
        fault.tell(&[kind.to_owned(), daemon.to_owned()]).await;
        fault
    }
}

/// A fault of the cluster; it ends when this is dropped, also when a test fails.
#[must_use = "the fault ends when this is dropped"]
pub struct Fault {
    command: PathBuf,
    end: Vec<String>,
}

impl Fault {
    /// Ends the fault and waits until that is done.
    ///
    /// # Panics
    /// When the cluster's command fails.
    pub async fn end(mut self) {
        let end = std::mem::take(&mut self.end);
        self.tell(&end).await;
    }

    async fn tell(&self, words: &[String]) {
        let mut command = Command::new(&self.command);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = tokio::time::timeout(FAULT_TIME_MAX, command.status()).await;
        let status = status.expect("the cluster's command ends").expect("it can be run");
        assert!(status.success(), "the cluster's command {words:?} ended with {status}");
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        if !self.end.is_empty() {
            let mut command = std::process::Command::new(&self.command);
            let _ = command.args(&self.end).stdin(Stdio::null()).stdout(Stdio::null()).status();
        }
    }
}

/// Writes a file that only its owner can read.
pub(crate) async fn write_private(file: &Path, text: &str, uid: u32) -> io::Result<()> {
    fs::write(file, text).await?;
    fs::set_permissions(file, PermissionsExt::from_mode(0o600)).await?;
    own(file, uid)
}

fn own(file: &Path, uid: u32) -> io::Result<()> {
    chown(file, Some(uid), Some(uid))
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

fn must<T, E: Debug>(what: &str, outcome: Result<T, E>) -> T {
    outcome.unwrap_or_else(|error| panic!("{what}: {error:?}"))
}

fn text(error: impl std::error::Error) -> String {
    error.to_string()
}
