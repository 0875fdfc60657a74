//! A tool's home, as an administrator lays it out.

use std::{
    io,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustix::process::{getegid, geteuid};
use serde_json::{Value, json};
use tokio::fs;

use crate::Identity;

/// Tools' user ids begin here; below are the users of the machine.
pub const UID_MIN: u32 = 20_000;
/// And end here; above, some systems keep ids for themselves.
pub const UID_MAX: u32 = 59_999;

/// What a tool has on the file system.
#[derive(Debug, Clone)]
pub struct Home {
    /// The folder.
    pub path: PathBuf,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// Where a cluster is, for a kubeconfig.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// URL of the API server.
    pub server: &'a str,
    /// The file of the CA that signed its certificate.
    pub ca: &'a Path,
}

impl Home {
    /// The home of a tool, which is not there yet. Its owner is a user of the tool's own when we
    /// are root, else ourselves.
    pub fn of(path: PathBuf, number: u32) -> Self {
        let (uid, gid) = if geteuid().is_root() {
            let id = UID_MIN + number % (UID_MAX - UID_MIN + 1);
            (id, id)
        } else {
            (geteuid().as_raw(), getegid().as_raw())
        };
        Self { path, uid, gid }
    }

    /// Makes the folder, with the two files of the certificate and a kubeconfig.
    ///
    /// # Errors
    /// When the file system does not allow it.
    pub async fn make(
        &self,
        identity: &Identity,
        cluster: Address<'_>,
        namespace: &str,
    ) -> io::Result<()> {
        fs::create_dir_all(&self.path).await?;
        set_mode(&self.path, 0o755).await?;
        self.give(&self.path)?;
        for folder in [".toolskube", ".kube"].map(|folder| self.path.join(folder)) {
            fs::create_dir(&folder).await?;
            set_mode(&folder, 0o700).await?;
            self.give(&folder)?;
        }
        let kube = self.path.join(".toolskube");
        self.write(&kube.join("client.crt"), &identity.certificate).await?;
        self.write(&kube.join("client.key"), &identity.key).await?;
        let user = json!({
            "client-certificate": kube.join("client.crt"), "client-key": kube.join("client.key"),
        });
        let kubeconfig = kubeconfig(cluster, &user, namespace).to_string();
        self.write(&self.path.join(".kube/config"), &kubeconfig).await
    }

    async fn write(&self, file: &Path, text: &str) -> io::Result<()> {
        write_private(file, text).await?;
        self.give(file)
    }

    /// Makes the tool the owner of a file.
    ///
    /// # Errors
    /// When we may not give files away.
    pub fn give(&self, file: &Path) -> io::Result<()> {
        chown(file, Some(self.uid), Some(self.gid))
    }
}

/// Writes a file that only its owner can read.
pub(crate) async fn write_private(file: &Path, text: &str) -> io::Result<()> {
    fs::write(file, text).await?;
    set_mode(file, 0o600).await
}

async fn set_mode(file: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(file, PermissionsExt::from_mode(mode)).await
}

/// A kubeconfig's user, with certificate and key in it.
pub(crate) fn user(identity: &Identity) -> Value {
    json!({
        "client-certificate-data": STANDARD.encode(&identity.certificate),
        "client-key-data": STANDARD.encode(&identity.key),
    })
}

/// A kubeconfig for one user; JSON is YAML too.
pub(crate) fn kubeconfig(cluster: Address<'_>, user: &Value, namespace: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "tool",
        "clusters": [{"name": "cluster", "cluster": {
            "server": cluster.server, "certificate-authority": cluster.ca,
        }}],
        "users": [{"name": "tool", "user": user}],
        "contexts": [{"name": "tool", "context": {
            "cluster": "cluster", "user": "tool", "namespace": namespace,
        }}],
    })
}
