//! A log file, as its reader sees it: a path, under which another file may be at each look.

use std::time::SystemTime;

use jiff::Timestamp;
use tjf_runtime::files::{FileError, FilesOf, HomeFile};

/// As much as is read at once, and kept for one answer. A look backwards reads as much at a time.
pub(crate) const PIECE_BYTES: usize = 16 * 1024;

/// What a path leads to, at one moment after the other.
pub(crate) trait Source: Send + Sync + 'static {
    /// A file that stays what it is, whatever becomes of the path.
    type File: File;

    /// Opens what is there now. `None` when nothing is.
    fn open(&self) -> impl Future<Output = Result<Option<Self::File>, FileError>> + Send;

    /// Reads at most so many bytes from this place on; none at the file's end.
    fn read(
        &self,
        file: &Self::File,
        offset: u64,
        bytes_max: usize,
    ) -> impl Future<Output = Result<bytes::Bytes, FileError>> + Send;
}

/// What is known of an open file.
pub(crate) trait File: Send + Sync {
    /// Which file it is.
    fn inode(&self) -> u64;
    /// How many bytes it had when it was opened.
    fn length(&self) -> u64;
    /// When it had been written last, when it was opened.
    fn modified(&self) -> Timestamp;
}

/// A file in a tool's home.
pub(crate) struct LogFile {
    files: FilesOf,
    /// Below the home; `None` is a file that is always empty.
    path: Option<String>,
}

impl LogFile {
    /// The file at this path below the tool's home; `None` is one that is always empty.
    pub(super) fn new(files: FilesOf, path: Option<String>) -> Self {
        Self { files, path }
    }
}

impl Source for LogFile {
    type File = HomeFile;

    async fn open(&self) -> Result<Option<HomeFile>, FileError> {
        match &self.path {
            Some(path) => self.files.open(path).await,
            None => Ok(None),
        }
    }

    async fn read(
        &self,
        file: &HomeFile,
        offset: u64,
        bytes_max: usize,
    ) -> Result<bytes::Bytes, FileError> {
        self.files.read(file, offset, bytes_max).await
    }
}

impl File for HomeFile {
    fn inode(&self) -> u64 {
        self.inode()
    }

    fn length(&self) -> u64 {
        self.length()
    }

    fn modified(&self) -> Timestamp {
        let since = self.modified().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
    }
}
