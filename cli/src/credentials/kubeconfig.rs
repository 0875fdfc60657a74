//! The certificates in a kubeconfig.
//!
//! Every tool has one, kept fresh by the site. Only the current context's certificate, key and CA
//! are read: no `exec`, which would run a program, and no tokens, which the API does not take.

use std::path::{Path, PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;

use super::{FileError, Pem, read_if_there};

/// What a kubeconfig says about the current context.
#[derive(Debug, Default)]
pub(crate) struct Kubeconfig {
    /// Certificate and key, when both are there.
    pub(crate) identity: Option<(Pem, Pem)>,
    /// The cluster's CA.
    pub(crate) ca: Option<Pem>,
}

/// Why a kubeconfig is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KubeconfigError {
    /// It, or a file that it names, can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not the YAML that a kubeconfig is. What the parser says is left out, except the line:
    /// it quotes the text, and the text has a private key.
    #[error("`{}` is not a kubeconfig{}", path.display(), line.map(at_line).unwrap_or_default())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where in the file.
        line: Option<u64>,
    },
    /// A `…-data` field is not base64.
    #[error("`{field}` in `{}` is not base64", path.display())]
    Base64 {
        /// Which file.
        path: PathBuf,
        /// Which field.
        field: &'static str,
    },
    /// A name leads nowhere.
    #[error("`{}` has no {what} `{name}`, which its current context needs", path.display())]
    Missing {
        /// Which file.
        path: PathBuf,
        /// What kind of entry.
        what: &'static str,
        /// The entry's name.
        name: String,
    },
}

fn at_line(line: u64) -> String {
    format!(": line {line} can't be understood")
}

/// `kubectl` writes an empty list as `null`, so that everything here is optional.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    current_context: Option<String>,
    contexts: Option<Vec<NamedContext>>,
    clusters: Option<Vec<NamedCluster>>,
    users: Option<Vec<NamedUser>>,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    context: Context,
}

#[derive(Deserialize)]
struct Context {
    cluster: String,
    user: String,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    cluster: Cluster,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<String>,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    user: User,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<String>,
    client_key: Option<PathBuf>,
    client_key_data: Option<String>,
}

impl Kubeconfig {
    /// Reads the first of these files that exists; none is an empty kubeconfig.
    pub(crate) fn find(paths: &[PathBuf]) -> Result<Self, KubeconfigError> {
        for path in paths {
            if let Some(bytes) = read_if_there(path)? {
                return Self::parse(path, &bytes);
            }
        }
        Ok(Self::default())
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, KubeconfigError> {
        let file: Option<File> =
            serde_saphyr::from_slice(bytes).map_err(|error| KubeconfigError::Syntax {
                path: path.to_owned(),
                line: error.location().map(|location| location.line()),
            })?;
        let File { current_context, contexts, clusters, users } = file.unwrap_or_default();
        let Some(current) = current_context.filter(|name| !name.is_empty()) else {
            return Ok(Self::default());
        };
        let missing = |what, name: &str| KubeconfigError::Missing {
            path: path.to_owned(),
            what,
            name: name.to_owned(),
        };
        let named = contexts.into_iter().flatten().find(|entry| entry.name == current);
        let context = named.ok_or_else(|| missing("context", &current))?.context;
        let named = users.into_iter().flatten().find(|entry| entry.name == context.user);
        let user = named.ok_or_else(|| missing("user", &context.user))?.user;
        let named = clusters.into_iter().flatten().find(|entry| entry.name == context.cluster);
        let cluster = named.ok_or_else(|| missing("cluster", &context.cluster))?.cluster;
        user.resolve(path, cluster)
    }
}

impl User {
    fn resolve(self, path: &Path, cluster: Cluster) -> Result<Kubeconfig, KubeconfigError> {
        let certificate = pem(
            path,
            "client-certificate-data",
            self.client_certificate_data,
            self.client_certificate,
        )?;
        let key = pem(path, "client-key-data", self.client_key_data, self.client_key)?;
        let ca = pem(
            path,
            "certificate-authority-data",
            cluster.certificate_authority_data,
            cluster.certificate_authority,
        )?;
        Ok(Kubeconfig { identity: certificate.zip(key), ca })
    }
}

/// Data goes before a file, and a relative file is next to the kubeconfig, as `kubectl` has it.
fn pem(
    kubeconfig: &Path,
    field: &'static str,
    data: Option<String>,
    file: Option<PathBuf>,
) -> Result<Option<Pem>, KubeconfigError> {
    if let Some(data) = data.filter(|data| !data.is_empty()) {
        // Long data is often folded over lines.
        let data: String = data.split_whitespace().collect();
        let text = BASE64_STANDARD
            .decode(data)
            .map_err(|_| KubeconfigError::Base64 { path: kubeconfig.to_owned(), field })?;
        let origin = format!("`{field}` in `{}`", kubeconfig.display());
        return Ok(Some(Pem { text, origin }));
    }
    let Some(file) = file.filter(|file| !file.as_os_str().is_empty()) else { return Ok(None) };
    let folder = kubeconfig.parent().unwrap_or(Path::new(""));
    Ok(Some(Pem::read(&folder.join(file))?))
}

#[cfg(test)]
mod tests;
