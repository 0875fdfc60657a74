//! Where the server and the credentials are found.
//!
//! Flags, then the environment, then the tool's file, then the site's; for the certificate and the
//! CA then the kubeconfig, and for the certificate at last the files that the site puts into every
//! home. The first that is set wins, key by key; only certificate and key go together.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{
    credentials::{
        Credentials, FileError, Pem,
        kubeconfig::{Kubeconfig, KubeconfigError},
        read_if_there,
    },
    environment::Environment,
};

/// The tool's own file, in its home.
const TOOL_SETTINGS: &str = ".config/toolforge-jobs.toml";

/// Server and credentials as one source of settings has them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) server: Option<String>,
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) ca: Option<PathBuf>,
}

/// What a client is made of.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) server: String,
    pub(crate) credentials: Credentials,
}

/// Why there are no settings to work with; nothing was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// Nobody says where the server is.
    #[error("no server is configured")]
    NoServer,
    /// Nobody says who the caller is.
    #[error("no client certificate was found")]
    NoCertificate,
    /// A certificate without a key, or a key without a certificate.
    #[error("`{given}` is set without `{missing}`")]
    Half {
        /// The one that is set.
        given: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// A file can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file of settings can't be understood.
    #[error("`{}`: {message}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The kubeconfig is of no use.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
}

impl SettingsError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoServer => Some(
                "give `--server URL`, set `TOOLFORGE_JOBS_SERVER`, or write \
                 `server = \"https://…\"` to `~/.config/toolforge-jobs.toml`",
            ),
            Self::NoCertificate => Some(
                "give `--cert FILE --key FILE`, or see that the kubeconfig (`KUBECONFIG`, else \
                 `~/.kube/config`) has them, or `~/.toolskube/client.crt` and `client.key`",
            ),
            Self::Half { .. } => Some("certificate and key go together: set both or none"),
            Self::File(_) | Self::Syntax { .. } | Self::Kubeconfig(_) => None,
        }
    }
}

impl Settings {
    /// Looks everywhere, in order.
    pub(crate) fn find(flags: Source, environment: &Environment) -> Result<Self, SettingsError> {
        let home = environment.home.as_deref();
        let mut found = flags.or(Source::of(environment));
        if let Some(home) = home {
            found = found.or(Source::read(&home.join(TOOL_SETTINGS), Some(home))?);
        }
        found = found.or(Source::read(&environment.site_settings, home)?);
        let server = found.server.take().ok_or(SettingsError::NoServer)?;
        Ok(Self { server, credentials: found.credentials(environment)? })
    }
}

impl Source {
    fn of(environment: &Environment) -> Self {
        Self {
            server: environment.server.clone(),
            cert: environment.cert.clone(),
            key: environment.key.clone(),
            ca: environment.ca.clone(),
        }
    }

    /// Reads a file of settings; a file that is not there sets nothing.
    fn read(path: &Path, home: Option<&Path>) -> Result<Self, SettingsError> {
        let Some(bytes) = read_if_there(path)? else { return Ok(Self::default()) };
        let source: Self = toml::from_slice(&bytes).map_err(|error| SettingsError::Syntax {
            path: path.to_owned(),
            message: error.message().to_owned(),
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let place = |file: PathBuf| match (file.strip_prefix("~"), home) {
            (Ok(below), Some(home)) => home.join(below),
            _ => folder.join(file),
        };
        Ok(Self {
            server: source.server,
            cert: source.cert.map(place),
            key: source.key.map(place),
            ca: source.ca.map(place),
        })
    }

    /// What is set here, else there.
    fn or(self, other: Self) -> Self {
        Self {
            server: self.server.or(other.server),
            cert: self.cert.or(other.cert),
            key: self.key.or(other.key),
            ca: self.ca.or(other.ca),
        }
    }

    fn credentials(self, environment: &Environment) -> Result<Credentials, SettingsError> {
        let given = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Some((Pem::read(cert)?, Pem::read(key)?)),
            (None, None) => None,
            (Some(_), None) => return Err(SettingsError::Half { given: "cert", missing: "key" }),
            (None, Some(_)) => return Err(SettingsError::Half { given: "key", missing: "cert" }),
        };
        let given_ca = self.ca.as_deref().map(Pem::read).transpose()?;
        // A kubeconfig that is not needed may be as broken as it likes.
        let kubeconfig = if given.is_some() && given_ca.is_some() {
            Kubeconfig::default()
        } else {
            Kubeconfig::find(&kubeconfig_paths(environment))?
        };
        let (certificate, key) = match given.or(kubeconfig.identity) {
            Some(identity) => identity,
            None => in_home(environment)?.ok_or(SettingsError::NoCertificate)?,
        };
        Ok(Credentials { certificate, key, ca: given_ca.or(kubeconfig.ca) })
    }
}

fn kubeconfig_paths(environment: &Environment) -> Vec<PathBuf> {
    match (&environment.kubeconfig, &environment.home) {
        (Some(paths), _) => paths.clone(),
        (None, Some(home)) => vec![home.join(".kube/config")],
        (None, None) => Vec::new(),
    }
}

/// The files that the site keeps in every tool's home, and so in every job that mounts it.
fn in_home(environment: &Environment) -> Result<Option<(Pem, Pem)>, FileError> {
    let Some(home) = &environment.home else { return Ok(None) };
    let path = home.join(".toolskube/client.crt");
    let Some(text) = read_if_there(&path)? else { return Ok(None) };
    let key = Pem::read(&home.join(".toolskube/client.key"))?;
    Ok(Some((Pem::in_file(&path, text), key)))
}

#[cfg(test)]
mod tests;
