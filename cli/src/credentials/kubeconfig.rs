//! The certificates in a kubeconfig.
//!
//! Every tool has one, kept fresh by the site. Only the current context's certificate, key and CA
//! are read: no `exec`, which would run a program, and no tokens, which the API does not take.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{FileError, Pem, read_if_there};
use crate::{node::Node, yaml};

/// Files that are one kubeconfig by Kubernetes' rules: of what several of them have, the first one's
/// is taken, entries whole.
#[derive(Debug, Default)]
pub(crate) struct Kubeconfig {
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    content: Node,
}

/// What an entry holds, and the file that has it.
struct Body<'a> {
    path: &'a Path,
    fields: &'a Node,
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
        line: Option<usize>,
    },
    /// A field that is needed is not what it should be.
    #[error("`{}` is not a kubeconfig: `{field}` can't be understood", path.display())]
    Field {
        /// Which file.
        path: PathBuf,
        /// Which field.
        field: &'static str,
    },
    /// A `…-data` field is not base64.
    #[error("`{field}` in `{}` is not base64", path.display())]
    Base64 {
        /// Which file.
        path: PathBuf,
        /// Which field.
        field: &'static str,
    },
    /// A certificate without a key.
    #[error("`client-certificate` in `{}` is set without `client-key`", path.display())]
    Half {
        /// Which file.
        path: PathBuf,
    },
    /// A name leads nowhere.
    #[error("`{paths}` has no {what} `{name}`, which its current context needs")]
    Missing {
        /// Which files, as the variable has them.
        paths: String,
        /// What kind of entry.
        what: &'static str,
        /// The entry's name.
        name: String,
    },
}

fn at_line(line: usize) -> String {
    format!(": line {line} can't be understood")
}

impl Kubeconfig {
    /// Reads these files, as far as they exist and are needed; none is an empty kubeconfig.
    pub(crate) fn find(paths: &[PathBuf]) -> Result<Self, KubeconfigError> {
        let mut kubeconfig = Self::default();
        for path in paths.iter().filter(|path| !path.as_os_str().is_empty()) {
            if kubeconfig.is_whole() {
                break;
            }
            if let Some(bytes) = read_if_there(path)? {
                let content = parse(path, &bytes)?;
                kubeconfig.files.push(File { path: path.clone(), content });
            }
        }
        Ok(kubeconfig)
    }

    /// Certificate and key of the current context's user, when it has them.
    pub(crate) fn identity(&self) -> Result<Option<(Pem, Pem)>, KubeconfigError> {
        let Some(user) = self.named("users", "user")? else { return Ok(None) };
        // A key alone is no identity, and `kubectl` passes it over too.
        let certificate = user.pem("client-certificate-data", "client-certificate")?;
        let Some(certificate) = certificate else { return Ok(None) };
        match user.pem("client-key-data", "client-key")? {
            Some(key) => Ok(Some((certificate, key))),
            None => Err(KubeconfigError::Half { path: user.path.to_owned() }),
        }
    }

    /// The CA of the current context's cluster, when it has one.
    pub(crate) fn ca(&self) -> Result<Option<Pem>, KubeconfigError> {
        let Some(cluster) = self.named("clusters", "cluster")? else { return Ok(None) };
        cluster.pem("certificate-authority-data", "certificate-authority")
    }

    /// Whether nothing that another file says could matter.
    fn is_whole(&self) -> bool {
        let has = |list, what| matches!(self.named(list, what), Ok(Some(_)));
        has("users", "user") && has("clusters", "cluster")
    }

    /// The entry that the current context names.
    fn named(&self, list: &str, what: &'static str) -> Result<Option<Body<'_>>, KubeconfigError> {
        let Some(current) = self.current_context()? else { return Ok(None) };
        let context = self.entry("contexts", "context", current)?;
        let Some(name) = context.text(what)? else { return Ok(None) };
        self.entry(list, what, name).map(Some)
    }

    fn current_context(&self) -> Result<Option<&str>, KubeconfigError> {
        for file in &self.files {
            let top = Body { path: &file.path, fields: &file.content };
            if let Some(name) = top.text("current-context")? {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    fn entry(
        &self,
        list: &str,
        what: &'static str,
        name: &str,
    ) -> Result<Body<'_>, KubeconfigError> {
        let is_it =
            |entry: &&Rc<Node>| matches!(entry.get("name"), Node::Text(text) if text == name);
        let mut found = self.files.iter().filter_map(|file| {
            let entry = file.content.get(list).items().iter().find(is_it)?;
            Some(Body { path: &file.path, fields: entry.get(what) })
        });
        let body = found.next().ok_or_else(|| self.missing(what, name))?;
        match body.fields {
            Node::Nothing | Node::Map(_) => Ok(body),
            Node::Text(_) | Node::List(_) | Node::Other => Err(body.bad(what)),
        }
    }

    fn missing(&self, what: &'static str, name: &str) -> KubeconfigError {
        let paths: Vec<_> = self.files.iter().map(|file| file.path.to_string_lossy()).collect();
        KubeconfigError::Missing { paths: paths.join(":"), what, name: name.to_owned() }
    }
}

impl<'a> Body<'a> {
    fn text(&self, field: &'static str) -> Result<Option<&'a str>, KubeconfigError> {
        self.fields.get(field).text().map_err(|_| self.bad(field))
    }

    fn bad(&self, field: &'static str) -> KubeconfigError {
        KubeconfigError::Field { path: self.path.to_owned(), field }
    }

    /// Data goes before a file, and a relative file is next to the kubeconfig, as `kubectl` has it.
    fn pem(
        &self,
        data_field: &'static str,
        file_field: &'static str,
    ) -> Result<Option<Pem>, KubeconfigError> {
        if let Some(data) = self.text(data_field)? {
            // Long data is often folded over lines.
            let data: String = data.split_whitespace().collect();
            let text = BASE64_STANDARD.decode(data).map_err(|_| KubeconfigError::Base64 {
                path: self.path.to_owned(),
                field: data_field,
            })?;
            let origin = format!("`{data_field}` in `{}`", self.path.display());
            return Ok(Some(Pem { text, origin }));
        }
        let Some(file) = self.text(file_field)? else { return Ok(None) };
        let folder = self.path.parent().unwrap_or(Path::new(""));
        Ok(Some(Pem::read(&folder.join(file))?))
    }
}

/// Reads the first document, as `kubectl` does.
fn parse(path: &Path, bytes: &[u8]) -> Result<Node, KubeconfigError> {
    let line = match yaml::first_document(bytes) {
        Ok(content @ (Node::Nothing | Node::Map(_))) => return Ok(content),
        Ok(Node::Text(_) | Node::List(_) | Node::Other) => None,
        Err(error) => Some(error.line),
    };
    Err(KubeconfigError::Syntax { path: path.to_owned(), line })
}

#[cfg(test)]
mod tests;
