//! A tool's home: where its certificate and key are, and whose the home is.
//!
//! A home is writable by its tool, so nothing in it is believed. Every open stays beneath the home,
//! waits for nothing, and is of a regular file that the home's owner owns; the certificate must
//! carry the very name that was asked for; and what was read once is what is used, as bytes, since
//! a path could be swapped between a check and a use. The tool's own kubeconfig is never read: it
//! can name any server and any command.

mod readable;

use std::{
    fmt::Display,
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::{FutureExt, future::BoxFuture};
use http::Uri;
use once_cell::sync::OnceCell;
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open, openat2},
    io::Errno,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::{
    Connect, ConnectError, Known, Look, Version,
    client::{Calls, client, tls},
    threads::Threads,
};
use crate::{
    failure::BoxError,
    identity::{CommonName, PeerCertificate},
};

/// A chain of RSA certificates has a few KiB; more than this is not a certificate.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// A pair that is being written is whole again within this.
const HALF_WRITTEN_TIME_MAX: Duration = Duration::from_secs(3);
/// How often a pair that is being written is looked at.
const HALF_WRITTEN_LOOK_TIME: Duration = Duration::from_millis(200);

/// What the pool keeps of a tool.
#[derive(Clone)]
pub struct HomeClient {
    /// Asks Kubernetes as the tool. What asks for HTTP/2 shares one connection of it.
    pub kube: kube::Client,
    /// Whether what changes there may be followed, over that connection.
    pub can_follow: bool,
    /// Who owns the home; the tool's programs run as this user. Never root.
    pub uid: u32,
    /// The home's group.
    pub gid: u32,
}

/// Where a home has a caller's certificate and key, in PEM: paths below the home.
#[derive(Debug, Clone, Copy)]
pub struct KeyFiles {
    /// The certificate.
    pub certificate: &'static str,
    /// Its key.
    pub key: &'static str,
}

/// Builds clients from what is in the homes.
#[derive(Debug, Clone)]
pub struct HomeDirectory {
    places: Arc<Places>,
    threads: Arc<Threads>,
}

#[derive(Debug)]
struct Places {
    homes: PathBuf,
    files: KeyFiles,
    kube_server: Uri,
    kube_ca: PathBuf,
    // Read when the first client is built: the service starts, and explains, also without it.
    kube_roots: OnceCell<Arc<RootCertStore>>,
    calls: Calls,
}

/// What a home holds, read once.
struct Credentials {
    certificate: Vec<u8>,
    key: Vec<u8>,
    owner: Stat,
}

/// A chain of certificates, and the key of the first.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Why a home gives no client.
enum HomeError {
    /// It may be whole in a moment.
    HalfWritten(BoxError),
    /// It stays so until somebody does something.
    Final(ConnectError),
}

impl HomeDirectory {
    /// Homes are the folders right below `homes`, with these files in each; Kubernetes is at
    /// `kube_server` and its certificate is signed by a CA in the file `kube_ca`.
    pub fn new(homes: PathBuf, files: KeyFiles, kube_server: Uri, kube_ca: PathBuf) -> Self {
        let (kube_roots, calls) = (OnceCell::new(), Calls::default());
        let places = Places { homes, files, kube_server, kube_ca, kube_roots, calls };
        Self { places: Arc::new(places), threads: Arc::default() }
    }
}

impl Connect<HomeClient> for HomeDirectory {
    fn look(
        &self,
        name: &CommonName,
        known: Known,
    ) -> BoxFuture<'static, Result<Look<HomeClient>, ConnectError>> {
        let (this, name) = (self.clone(), name.clone());
        async move {
            // tokio's clock, so that tests can stop it.
            let began = tokio::time::Instant::now();
            loop {
                // Homes are on NFS, and a read may hang for ever; it then holds one thread and no
                // more, since no second look at a home begins.
                let (places, name) = (Arc::clone(&this.places), name.clone());
                match this.threads.run(move || places.look(&name, known)).await? {
                    Ok(look) => return Ok(look),
                    Err(HomeError::Final(error)) => return Err(error),
                    Err(HomeError::HalfWritten(cause)) => {
                        if matches!(known, Known::Good(_))
                            || began.elapsed() >= HALF_WRITTEN_TIME_MAX
                        {
                            return Err(ConnectError::NoCredentials(Arc::new(cause)));
                        }
                        tokio::time::sleep(HALF_WRITTEN_LOOK_TIME).await;
                    }
                }
            }
        }
        .boxed()
    }

    fn calls(&self) -> Calls {
        self.places.calls.clone()
    }
}

impl Places {
    /// One look, which may block.
    fn look(&self, name: &CommonName, known: Known) -> Result<Look<HomeClient>, HomeError> {
        let credentials = self.read(name)?;
        let version = credentials.version();
        if known.version() == Some(version) {
            return Ok(Look::Unchanged);
        }
        Ok(Look::Changed(self.client(name, &credentials)?, version))
    }

    /// Reads what is in the home, believing nothing.
    fn read(&self, name: &CommonName) -> Result<Credentials, HomeError> {
        let homes = opened(open_homes(&self.homes), |error| {
            HomeError::Final(ConnectError::Misconfigured(cause("homes", error)))
        })?;
        let (home, owner) = opened(open_home(&homes, name.as_str()), no_home)?;
        if owner.st_uid == 0 {
            return Err(no_home("is owned by root"));
        }
        Ok(Credentials {
            certificate: read_beneath(&home, self.files.certificate, &owner)?,
            key: read_beneath(&home, self.files.key, &owner)?,
            owner,
        })
    }

    /// Builds a client for the tool whose home holds this.
    fn client(&self, name: &CommonName, held: &Credentials) -> Result<HomeClient, HomeError> {
        let tls = self.tls(name, held)?;
        let kube = client(&self.kube_server, &tls, &self.calls);
        let (uid, gid) = (held.owner.st_uid, held.owner.st_gid);
        Ok(HomeClient { kube, can_follow: true, uid, gid })
    }

    /// How a client acts as the tool, towards a server that is ours to choose.
    fn tls(&self, name: &CommonName, held: &Credentials) -> Result<ClientConfig, HomeError> {
        let (chain, key) = held.identity(name)?;
        let misconfigured =
            |error: BoxError| HomeError::Final(ConnectError::Misconfigured(Arc::new(error)));
        // All tools have the same: they are parsed once.
        let roots = self.kube_roots.get_or_try_init(|| roots_in(&self.kube_ca));
        let roots = Arc::clone(roots.map_err(misconfigured)?);
        // A pair that does not fit together is refused here: it is being written.
        tls(roots, chain, key).map_err(|error| HomeError::HalfWritten(error.into()))
    }
}

impl Credentials {
    fn version(&self) -> Version {
        let mut hasher = DefaultHasher::new();
        (&self.certificate, &self.key, self.owner.st_uid, self.owner.st_gid).hash(&mut hasher);
        Version(hasher.finish())
    }

    /// What the tool shows to Kubernetes. A certificate may stand in either file; the first is the
    /// tool's own. The caller proved one name: a link to a neighbour's key must not make it the
    /// neighbour.
    fn identity(&self, name: &CommonName) -> Result<Identity, HomeError> {
        let half_written =
            |what, error: &dyn Display| HomeError::HalfWritten(format!("{what}: {error}").into());
        let joined = [self.key.as_slice(), b"\n", &self.certificate].concat();
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&joined)
            .collect::<Result<_, _>>()
            .map_err(|error| half_written("certificate", &error))?;
        let certificate = chain.first().and_then(|first| PeerCertificate::from_der(first));
        let certificate = certificate.ok_or_else(|| half_written("certificate", &"not X.509"))?;
        if certificate.common_name().as_ref() != Some(name) {
            return Err(HomeError::Final(ConnectError::ForeignCertificate));
        }
        // Kubernetes would say no, and only after a handshake.
        if !certificate.is_valid_at(SystemTime::now()) {
            return Err(HomeError::Final(ConnectError::NotValidNow));
        }
        let key = PrivateKeyDer::from_pem_slice(&joined);
        Ok((chain, key.map_err(|error| half_written("key", &error))?))
    }
}

/// Reads a file that is beneath the home even when links are followed, waits for nobody at its
/// other end, and belongs to the home's owner: a hard link to a neighbour's file does not.
fn read_beneath(home: &OwnedFd, path: &'static str, owner: &Stat) -> Result<Vec<u8>, HomeError> {
    let refused =
        |error: io::Error| HomeError::Final(ConnectError::NoCredentials(cause(path, error)));
    // A pair is renewed by a rename or in place: for a moment a file may be missing, or empty.
    let missing = |error: Errno| match error {
        Errno::NOENT => HomeError::HalfWritten(format!("{path}: {error}").into()),
        error => refused(error.into()),
    };
    let file = opened(open_beneath(home, path), missing)?;
    let about = fstat(&file).map_err(|error| refused(error.into()))?;
    if FileType::from_raw_mode(about.st_mode) != FileType::RegularFile {
        return Err(refused(io::Error::other("is not a regular file")));
    }
    if about.st_uid != owner.st_uid {
        return Err(refused(io::Error::other("does not belong to the home's owner")));
    }
    let mut bytes = Vec::new();
    File::from(file).take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(refused)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(refused(io::Error::other("is too large")));
    }
    Ok(bytes)
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::PATH).union(OFlags::CLOEXEC);

/// Opens the folder of all homes, to open others from there.
pub(crate) fn open_homes(homes: &Path) -> Result<OwnedFd, Errno> {
    open(homes, FOLDER, Mode::empty())
}

/// Opens a home, to open files from there, and tells whose it is.
pub(crate) fn open_home(homes: &OwnedFd, name: &str) -> Result<(OwnedFd, Stat), Errno> {
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let home = openat2(homes, name, FOLDER, Mode::empty(), beneath)?;
    let owner = fstat(&home)?;
    Ok((home, owner))
}

/// Opens a file that is beneath this folder even when links are followed, and waits for nobody at
/// its other end.
pub(crate) fn open_beneath(folder: &OwnedFd, path: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    openat2(folder.as_fd(), path, flags, Mode::empty(), beneath)
}

/// What came of opening something. That there is no file left for us says nothing about a home.
fn opened<T>(
    opened: Result<T, Errno>,
    refused: impl FnOnce(Errno) -> HomeError,
) -> Result<T, HomeError> {
    opened.map_err(|error| match error {
        Errno::MFILE | Errno::NFILE => HomeError::Final(ConnectError::NoFileLeft),
        error => refused(error),
    })
}

fn no_home(error: impl Display) -> HomeError {
    HomeError::Final(ConnectError::NoCredentials(cause("home", error)))
}

fn cause(what: &str, error: impl Display) -> Arc<BoxError> {
    Arc::new(format!("{what}: {error}").into())
}

#[expect(clippy::disallowed_methods, reason = "on a thread that may block")]
fn roots_in(file: &PathBuf) -> Result<Arc<RootCertStore>, BoxError> {
    let in_file = |error: &dyn Display| format!("{}: {error}", file.display());
    let pem = std::fs::read(file).map_err(|error| in_file(&error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots
            .add(certificate.map_err(|error| in_file(&error))?)
            .map_err(|error| in_file(&error))?;
    }
    if roots.is_empty() {
        return Err(in_file(&"holds no certificate").into());
    }
    Ok(Arc::new(roots))
}

#[cfg(test)]
mod tests;
