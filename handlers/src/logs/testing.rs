//! A file system in memory, with one path.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use jiff::Timestamp;
use tjf_runtime::{files::FileError, lock};

use super::source::{File, Source};

/// A file: what is in it, and which it is.
#[derive(Debug, Clone)]
pub(super) struct FakeFile {
    inode: u64,
    length: u64,
    modified: Timestamp,
    bytes: Arc<Mutex<Vec<u8>>>,
}

#[derive(Debug, Default)]
struct Path {
    file: Option<FakeFile>,
    files: u64,
    opens: usize,
    bytes_read: u64,
    is_silent: bool,
    modified: Timestamp,
}

/// A path, and the file that it leads to. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct FakeLog(Arc<Mutex<Path>>);

impl FakeLog {
    pub(super) fn with(text: &str) -> Self {
        let this = Self::default();
        this.append(text);
        this
    }

    /// Writes into the file, which is made when there is none.
    pub(super) fn append(&self, text: &str) {
        let mut path = lock(&self.0);
        if path.file.is_none() {
            path.files += 1;
            let (inode, modified) = (100 + path.files, path.modified);
            path.file = Some(FakeFile { inode, length: 0, modified, bytes: Arc::default() });
        }
        lock(&path.file.as_ref().unwrap().bytes).extend_from_slice(text.as_bytes());
    }

    pub(super) fn truncate(&self) {
        lock(&lock(&self.0).file.as_ref().unwrap().bytes).clear();
    }

    /// Renames the file, and gives it.
    pub(super) fn rename(&self) -> FakeFile {
        lock(&self.0).file.take().unwrap()
    }

    /// Says when the file was written last.
    pub(super) fn modified_at(&self, at: Timestamp) {
        lock(&self.0).modified = at;
    }

    /// From now on nothing is answered.
    pub(super) fn hang(&self) {
        lock(&self.0).is_silent = true;
    }

    pub(super) fn inode(&self) -> u64 {
        lock(&self.0).file.as_ref().unwrap().inode
    }

    /// How often the path was looked at.
    pub(super) fn opens(&self) -> usize {
        lock(&self.0).opens
    }

    pub(super) fn bytes_read(&self) -> u64 {
        lock(&self.0).bytes_read
    }
}

impl FakeFile {
    pub(super) fn append(&self, text: &str) {
        lock(&self.bytes).extend_from_slice(text.as_bytes());
    }
}

impl File for FakeFile {
    fn inode(&self) -> u64 {
        self.inode
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn modified(&self) -> Timestamp {
        self.modified
    }
}

impl Source for FakeLog {
    type File = FakeFile;

    async fn open(&self) -> Result<Option<FakeFile>, FileError> {
        let mut path = lock(&self.0);
        path.opens += 1;
        if path.is_silent {
            return Err(FileError::Silent);
        }
        Ok(path.file.clone().map(|mut file| {
            file.length = lock(&file.bytes).len() as u64;
            file.modified = path.modified;
            file
        }))
    }

    async fn read(
        &self,
        file: &FakeFile,
        offset: u64,
        bytes_max: usize,
    ) -> Result<Bytes, FileError> {
        let bytes = lock(&file.bytes);
        let from = usize::try_from(offset).unwrap().min(bytes.len());
        let to = (from + bytes_max).min(bytes.len());
        lock(&self.0).bytes_read += (to - from) as u64;
        Ok(Bytes::copy_from_slice(&bytes[from..to]))
    }
}
