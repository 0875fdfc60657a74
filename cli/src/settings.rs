//! Where the server and the credentials are found.
//!
//! Flags, then the environment, then the tool's file, then the site's; for the certificate and the
//! CA then the kubeconfig, and for the certificate at last the files that the site puts into every
//! home. The first that is set wins, key by key; only certificate and key go together, and so they
//! come from the same place. A file is read only for what nobody before it has set.

use std::path::{Path, PathBuf};

use crate::{
    credentials::{
        Credentials, FileError, Pem,
        kubeconfig::{Kubeconfig, KubeconfigError},
        read_if_there,
    },
    environment::Environment,
    node::Node,
};

/// The tool's own file, in its home.
const TOOL_SETTINGS: &str = ".config/toolforge-jobs.toml";

/// The keys of a file of settings.
const KEYS: [&str; 4] = ["server", "cert", "key", "ca"];

/// Server and credentials as one source of settings has them.
#[derive(Debug, Clone, Default)]
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
    #[error("{given} is set without {missing}")]
    Half {
        /// The one that is set, as its source calls it.
        given: String,
        /// The one that is not.
        missing: String,
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
            Self::Half { .. } => {
                Some("certificate and key go together: set both in the same place, or none")
            }
            Self::File(_) | Self::Syntax { .. } | Self::Kubeconfig(_) => None,
        }
    }
}

impl Settings {
    /// Looks everywhere, in order, until nothing is missing. `tell` is told of what is passed over.
    pub(crate) fn find(
        flags: Source,
        environment: &Environment,
        tell: impl Fn(&str),
    ) -> Result<Self, SettingsError> {
        let mut found = Found::default();
        found.add(flags, |key| format!("`--{key}`"))?;
        found.add(Source::of(environment), |key| {
            format!("`TOOLFORGE_JOBS_{}`", key.to_ascii_uppercase())
        })?;
        let home = environment.home.as_deref();
        let tools = home.map(|home| home.join(TOOL_SETTINGS));
        for path in tools.iter().chain([&environment.site_settings]) {
            if !found.is_whole() {
                found.add_file(path, home, &tell)?;
            }
        }
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
}

/// What is set so far.
#[derive(Debug, Default)]
struct Found {
    server: Option<String>,
    /// Certificate and key, from the same source.
    identity: Option<(PathBuf, PathBuf)>,
    ca: Option<PathBuf>,
}

impl Found {
    fn is_whole(&self) -> bool {
        self.server.is_some() && self.identity.is_some() && self.ca.is_some()
    }

    /// Takes what is missing, and leaves the rest. `name` is what the source calls a key.
    fn add(&mut self, source: Source, name: impl Fn(&str) -> String) -> Result<(), SettingsError> {
        let half =
            |given, missing| SettingsError::Half { given: name(given), missing: name(missing) };
        if self.identity.is_none() {
            self.identity = match (source.cert, source.key) {
                (Some(cert), Some(key)) => Some((cert, key)),
                (None, None) => None,
                (Some(_), None) => return Err(half("cert", "key")),
                (None, Some(_)) => return Err(half("key", "cert")),
            };
        }
        self.server = self.server.take().or(source.server);
        self.ca = self.ca.take().or(source.ca);
        Ok(())
    }

    /// Reads a file of settings; a file that is not there sets nothing. What is set already may be
    /// anything there.
    fn add_file(
        &mut self,
        path: &Path,
        home: Option<&Path>,
        tell: impl Fn(&str),
    ) -> Result<(), SettingsError> {
        let Some(bytes) = read_if_there(path)? else { return Ok(()) };
        let wrong = |message| SettingsError::Syntax { path: path.to_owned(), message };
        let content: Node =
            toml::from_slice(&bytes).map_err(|error| wrong(error.message().to_owned()))?;
        for (key, _) in content.entries().filter(|(key, _)| !KEYS.contains(&key.as_str())) {
            tell(&format!("`{}`: the key `{key}` is unknown, and passed over", path.display()));
        }
        let text = |key, is_needed| match content.get(key).text() {
            Ok(text) => Ok(text.filter(|_| is_needed)),
            Err(_) if is_needed => Err(wrong(format!("`{key}` is not text"))),
            Err(_) => Ok(None),
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let place = |file: &str| match (Path::new(file).strip_prefix("~"), home) {
            (Ok(below), Some(home)) => home.join(below),
            _ => folder.join(file),
        };
        let source = Source {
            server: text("server", self.server.is_none())?.map(str::to_owned),
            cert: text("cert", self.identity.is_none())?.map(place),
            key: text("key", self.identity.is_none())?.map(place),
            ca: text("ca", self.ca.is_none())?.map(place),
        };
        self.add(source, |key| format!("`{key}` in `{}`", path.display()))
    }

    fn credentials(self, environment: &Environment) -> Result<Credentials, SettingsError> {
        let kubeconfig = if self.identity.is_some() && self.ca.is_some() {
            Kubeconfig::default()
        } else {
            Kubeconfig::find(&kubeconfig_paths(environment))?
        };
        let (certificate, key) = match &self.identity {
            Some((certificate, key)) => (Pem::read(certificate)?, Pem::read(key)?),
            None => match kubeconfig.identity()? {
                Some(identity) => identity,
                None => in_home(environment)?.ok_or(SettingsError::NoCertificate)?,
            },
        };
        let ca = match &self.ca {
            Some(ca) => Some(Pem::read(ca)?),
            None => kubeconfig.ca()?,
        };
        Ok(Credentials { certificate, key, ca })
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
