//! Who the command is, and whom it trusts.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

pub(crate) mod kubeconfig;

/// What a client needs to prove the tool's identity and to check the server's.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The tool's certificate, with intermediate ones after it.
    pub certificate: Pem,
    /// The certificate's private key.
    pub key: Pem,
    /// The CA of the server's certificate; the system's when there is none.
    pub ca: Option<Pem>,
}

/// PEM text, and where it is from, for messages.
#[derive(Clone)]
pub struct Pem {
    /// The text.
    pub text: Vec<u8>,
    /// Where it is from, in words that a message can use.
    pub origin: String,
}

/// A file that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("`{}` can't be read: {source}", path.display())]
pub struct FileError {
    /// Which file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

impl Pem {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`FileError`] when it can't be read.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        Ok(Self::in_file(path, read(path)?))
    }

    pub(crate) fn in_file(path: &Path, text: Vec<u8>) -> Self {
        Self { text, origin: format!("`{}`", path.display()) }
    }
}

/// The text may be a private key, which belongs in no message.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pem").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Reads a file, and names it when that fails: the system's own message does not.
#[expect(
    clippy::disallowed_methods,
    reason = "a command has nothing else to do while it reads its settings"
)]
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(|source| FileError { path: path.to_owned(), source })
}

/// The same, when the file may well be missing, or the folder that it would be in.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(FileError { source, .. }) if is_missing(source.kind()) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_missing(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_shown_by_debug() {
        let pem = Pem { text: b"secret".to_vec(), origin: "`x`".to_owned() };
        assert_eq!(format!("{pem:?}"), r#"Pem { origin: "`x`", .. }"#);
    }
}
