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
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{FutureExt, future::BoxFuture};
use http::Uri;
use once_cell::sync::OnceCell;
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open, openat2},
    io::Errno,
};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{
    Connect, ConnectError, Known, Look, Version,
    client::{Calls, client, watching},
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
    /// Asks Kubernetes as the tool.
    pub kube: kube::Client,
    /// Follows what changes there, over HTTP/2. Where it is missing nothing is followed.
    pub watches: Option<kube::Client>,
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
    kube_ca_certificates: OnceCell<Vec<Vec<u8>>>,
    calls: Calls,
}

/// What a home holds, read once.
struct Credentials {
    certificate: Vec<u8>,
    key: Vec<u8>,
    owner: Stat,
}

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
        let kube_ca_certificates = OnceCell::new();
        let calls = Calls::default();
        let places = Places { homes, files, kube_server, kube_ca, kube_ca_certificates, calls };
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
        let folder = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        let homes = opened(open(&self.homes, folder, Mode::empty()), |error| {
            HomeError::Final(ConnectError::Misconfigured(cause("homes", error)))
        })?;
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let home = openat2(&homes, name.as_str(), folder, Mode::empty(), beneath);
        let home = opened(home, no_home)?;
        let owner = fstat(&home).map_err(no_home)?;
        if owner.st_uid == 0 {
            return Err(no_home("is owned by root"));
        }
        Ok(Credentials {
            certificate: read_beneath(&home, self.files.certificate, &owner)?,
            key: read_beneath(&home, self.files.key, &owner)?,
            owner,
        })
    }

    /// Builds clients for the tool whose home holds this.
    fn client(&self, name: &CommonName, held: &Credentials) -> Result<HomeClient, HomeError> {
        held.check_certificate(name)?;
        let (uid, gid) = (held.owner.st_uid, held.owner.st_gid);
        let config = self.config(held)?;
        // A pair that does not fit together is refused here: it is being written.
        let half_written = |error: kube::Error| HomeError::HalfWritten(error.into());
        let kube = client(&config, &self.calls).map_err(half_written)?;
        let watches = watching(&config, &self.calls).map_err(half_written)?;
        Ok(HomeClient { kube, watches: Some(watches), uid, gid })
    }

    /// How a client acts as the tool, towards a server that is ours to choose.
    fn config(&self, credentials: &Credentials) -> Result<kube::Config, HomeError> {
        let misconfigured =
            |error: BoxError| HomeError::Final(ConnectError::Misconfigured(Arc::new(error)));
        let ca = self.kube_ca_certificates.get_or_try_init(|| certificates_in(&self.kube_ca));
        let mut config = kube::Config::new(self.kube_server.clone());
        config.root_cert = Some(ca.map_err(misconfigured)?.clone());
        config.auth_info.client_certificate_data = Some(STANDARD.encode(&credentials.certificate));
        config.auth_info.client_key_data = Some(STANDARD.encode(&credentials.key).into());
        Ok(config)
    }
}

impl Credentials {
    fn version(&self) -> Version {
        let mut hasher = DefaultHasher::new();
        (&self.certificate, &self.key, self.owner.st_uid, self.owner.st_gid).hash(&mut hasher);
        Version(hasher.finish())
    }

    /// The caller proved one name; a link to a neighbour's key must not make it the neighbour.
    ///
    /// kube joins the files in this order, reads them as here, and shows the first certificate that
    /// it finds: one that stands beside the key would be shown in the place of the other.
    fn check_certificate(&self, name: &CommonName) -> Result<(), HomeError> {
        let joined = [self.key.as_slice(), b"\n", &self.certificate].concat();
        let certificate = CertificateDer::from_pem_reader(joined.as_slice())
            .map_err(|error| HomeError::HalfWritten(format!("certificate: {error}").into()))?;
        let certificate = PeerCertificate::from_der(&certificate)
            .ok_or_else(|| HomeError::HalfWritten("certificate: not X.509".into()))?;
        if certificate.common_name().as_ref() != Some(name) {
            return Err(HomeError::Final(ConnectError::ForeignCertificate));
        }
        // Kubernetes would say no, and only after a handshake.
        if !certificate.is_valid_at(SystemTime::now()) {
            return Err(HomeError::Final(ConnectError::NotValidNow));
        }
        Ok(())
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

/// Opens a file that is beneath this folder even when links are followed, and waits for nobody at
/// its other end.
fn open_beneath(folder: &OwnedFd, path: &str) -> Result<OwnedFd, Errno> {
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
fn certificates_in(file: &PathBuf) -> Result<Vec<Vec<u8>>, BoxError> {
    let pem = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    // What is not a certificate would fail later too, but then look like the tool's own fault.
    let certificate = |der: CertificateDer<'static>| -> Result<_, BoxError> {
        RootCertStore::empty().add(der.clone())?;
        Ok(der.to_vec())
    };
    let certificates = CertificateDer::pem_slice_iter(&pem)
        .map(|der| certificate(der?))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{}: {error}", file.display()))?;
    if certificates.is_empty() {
        return Err(format!("{}: holds no certificate", file.display()).into());
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests;
