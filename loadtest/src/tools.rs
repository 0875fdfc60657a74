//! Tools, as their homes have them: each with a certificate of its own.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use tjf_cli::{Credentials, FileError, Pem};

/// A tool that can ask.
#[derive(Debug, Clone)]
pub(crate) struct Tool {
    /// The name in its certificate.
    pub(crate) name: String,
    certificate: Pem,
    key: Pem,
}

/// Why there are no tools.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolsError {
    /// The folder can't be looked into.
    #[error("the folder of homes `{}` can't be read: {source}", path.display())]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Nobody lives there.
    #[error(
        "no home in `{}` has `.toolskube/client.crt` and `client.key`", path.display()
    )]
    Nobody {
        /// Which folder.
        path: PathBuf,
    },
    /// A file can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file has no certificate or key in it.
    #[error("{origin} has no PEM that can be used: {source}")]
    Pem {
        /// Which file.
        origin: String,
        /// What is wrong.
        source: pem::Error,
    },
    /// The TLS library refuses it.
    #[error("{origin} can't be used: {source}")]
    Tls {
        /// Which file.
        origin: String,
        /// What the library says.
        source: rustls::Error,
    },
}

/// The tools that have a home in this folder, by name; only these ones, when some are named.
#[expect(clippy::disallowed_methods, reason = "nothing else is done before the tools are known")]
pub(crate) fn find(homes: &Path, named: &[String]) -> Result<Vec<Tool>, ToolsError> {
    let folder = |source| ToolsError::Folder { path: homes.to_owned(), source };
    let mut tools = Vec::new();
    for home in std::fs::read_dir(homes).map_err(folder)? {
        let path = home.map_err(folder)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let file = |name: &str| path.join(".toolskube").join(name);
        let is_wanted = named.is_empty() || named.iter().any(|wanted| wanted == name);
        if is_wanted && file("client.crt").is_file() && file("client.key").is_file() {
            let (certificate, key) =
                (Pem::read(&file("client.crt"))?, Pem::read(&file("client.key"))?);
            tools.push(Tool { name: name.to_owned(), certificate, key });
        }
    }
    tools.sort_by(|one, other| one.name.cmp(&other.name));
    if tools.is_empty() { Err(ToolsError::Nobody { path: homes.to_owned() }) } else { Ok(tools) }
}

impl Tool {
    /// For the command's client.
    pub(crate) fn credentials(&self, ca: &Pem) -> Credentials {
        Credentials {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            ca: Some(ca.clone()),
        }
    }

    /// For connections of our own. A handshake is whole each time: many tools would have no session
    /// to resume either.
    pub(crate) fn tls(&self, ca: &Pem) -> Result<Arc<ClientConfig>, ToolsError> {
        let pem = |pem: &Pem| {
            let origin = pem.origin.clone();
            move |source| ToolsError::Pem { origin, source }
        };
        let tls = |pem: &Pem| {
            let origin = pem.origin.clone();
            move |source| ToolsError::Tls { origin, source }
        };
        let mut roots = RootCertStore::empty();
        for root in certificates(ca).map_err(pem(ca))? {
            roots.add(root).map_err(tls(ca))?;
        }
        let chain = certificates(&self.certificate).map_err(pem(&self.certificate))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key.text).map_err(pem(&self.key))?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(tls(ca))?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(tls(&self.certificate))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}

fn certificates(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_slice_iter(&pem.text).collect()
}
