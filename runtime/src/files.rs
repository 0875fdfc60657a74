//! Files in the homes of tools that are read for them, such as what their programs write.
//!
//! The same care as for keys: every open stays beneath the home even when links are followed, waits
//! for nobody, and is of a regular file that the home's owner owns. The service can read every home,
//! and the caller can't.
//!
//! Homes are on a network file system. Whatever touches one is done on a thread, of which a tool has
//! two, so that one whose file server does not answer holds up itself alone.

use std::{
    collections::HashMap,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::{Arc, Mutex, Weak},
    thread,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use rustix::{
    fd::OwnedFd,
    fs::{FileType, Stat, fstat},
    io::Errno,
};
use thiserror::Error;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::{
    identity::CommonName,
    lock::lock,
    pool::{Threads, open_beneath, open_home, open_homes},
};

/// A file server that has not answered by now does not answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);
/// Threads that read for one tool at once. All others of its reads stand in line.
const THREADS_PER_TOOL: usize = 2;
/// Threads that read for all tools. So many tools may have homes that hang, at two threads each,
/// before others notice.
pub(crate) const THREADS_MAX: usize = 64;

/// Why a file can't be read. None of these names it.
#[derive(Debug, Error)]
pub enum FileError {
    /// The file server does not answer.
    #[error("the home does not answer")]
    Silent,
    /// It is not a regular file of the tool beneath its home.
    #[error("{0}")]
    Refused(&'static str),
    /// We have no file left to open it with.
    #[error("no file can be opened")]
    NoFileLeft,
    /// It can't be opened or read.
    #[error("can't be read")]
    Unreadable(#[source] io::Error),
}

/// All homes.
#[derive(Debug, Clone)]
pub struct HomeFiles(Arc<Homes>);

#[derive(Debug)]
struct Homes {
    folder: PathBuf,
    threads: Threads,
    tools: Mutex<HashMap<CommonName, Weak<Semaphore>>>,
}

/// The home of one tool. Clones are the same.
#[derive(Debug, Clone)]
pub struct FilesOf {
    homes: Arc<Homes>,
    tool: CommonName,
    /// What hangs keeps it, so that no more threads come in the place of those that hang.
    places: Arc<Semaphore>,
}

/// A file that is open, whatever becomes of its path. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HomeFile(Arc<Open>);

#[derive(Debug)]
struct Open {
    /// There until the end.
    file: Option<File>,
    about: Stat,
}

impl HomeFiles {
    /// Homes are the folders right below this one.
    pub fn new(folder: PathBuf) -> Self {
        let (threads, tools) = (Threads::new(THREADS_MAX), Mutex::default());
        Self(Arc::new(Homes { folder, threads, tools }))
    }

    /// The home of one tool.
    pub fn of(&self, tool: &CommonName) -> FilesOf {
        let mut tools = lock(&self.0.tools);
        let known = tools.get(tool).and_then(Weak::upgrade);
        let places = known.unwrap_or_else(|| {
            tools.retain(|_, places| places.strong_count() > 0);
            let places = Arc::new(Semaphore::new(THREADS_PER_TOOL));
            tools.insert(tool.clone(), Arc::downgrade(&places));
            places
        });
        FilesOf { homes: Arc::clone(&self.0), tool: tool.clone(), places }
    }
}

impl FilesOf {
    /// Opens the file at this path below the home. `None` when there is none.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn open(&self, path: &str) -> Result<Option<HomeFile>, FileError> {
        let (homes, tool) = (Arc::clone(&self.homes), self.tool.clone());
        let path = path.to_owned();
        self.run(move || homes.open(&tool, &path)).await
    }

    /// Reads at most so many bytes from this place on; fewer when it has no more, and none at its
    /// end.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn read(
        &self,
        file: &HomeFile,
        offset: u64,
        bytes_max: usize,
    ) -> Result<Bytes, FileError> {
        let file = file.clone();
        self.run(move || file.0.read(offset, bytes_max)).await
    }

    /// Does something that may block, when it is the tool's turn. It is not given up when nobody
    /// waits for it any more, and keeps its turn then.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, FileError> {
        let done = async {
            let place = Arc::clone(&self.places).acquire_owned().await;
            let place = place.map_err(|_| FileError::Silent)?;
            let work = move || {
                let found = work();
                drop(place);
                found
            };
            self.homes.threads.run(work).await.map_err(|_| FileError::Silent)?
        };
        let silent = |_| Err(FileError::Silent);
        timeout_at(Instant::now() + ANSWER_TIME_MAX, done).await.unwrap_or_else(silent)
    }
}

impl Homes {
    fn open(&self, tool: &CommonName, path: &str) -> Result<Option<HomeFile>, FileError> {
        let homes = open_homes(&self.folder).map_err(failed)?;
        let (home, owner) = open_home(&homes, tool.as_str()).map_err(failed)?;
        let file = match open_beneath(&home, path) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(Errno::XDEV | Errno::LOOP) => {
                return Err(FileError::Refused("a link leads out of the home"));
            }
            Err(error) => return Err(failed(error)),
        };
        let about = fstat(&file).map_err(failed)?;
        check(&about, &owner)?;
        Ok(Some(HomeFile(Arc::new(Open { file: Some(file.into()), about }))))
    }
}

fn check(about: &Stat, owner: &Stat) -> Result<(), FileError> {
    if FileType::from_raw_mode(about.st_mode) != FileType::RegularFile {
        return Err(FileError::Refused("it is not a regular file"));
    }
    // A hard link to a neighbour's file is the neighbour's; and what is root's is no tool's.
    if about.st_uid != owner.st_uid || owner.st_uid == 0 {
        return Err(FileError::Refused("it does not belong to the tool"));
    }
    Ok(())
}

fn failed(error: Errno) -> FileError {
    match error {
        Errno::MFILE | Errno::NFILE => FileError::NoFileLeft,
        error => FileError::Unreadable(error.into()),
    }
}

impl HomeFile {
    /// The number that no other file of this file system has meanwhile.
    pub fn inode(&self) -> u64 {
        self.0.about.st_ino
    }

    /// How many bytes it had when it was opened.
    pub fn length(&self) -> u64 {
        u64::try_from(self.0.about.st_size).unwrap_or(0)
    }

    /// When something had been written into it last, when it was opened.
    pub fn modified(&self) -> SystemTime {
        let seconds = u64::try_from(self.0.about.st_mtime).unwrap_or(0);
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }
}

impl Open {
    fn read(&self, offset: u64, bytes_max: usize) -> Result<Bytes, FileError> {
        let mut bytes = vec![0; bytes_max];
        let mut length = 0;
        while let (Some(file), true) = (&self.file, length < bytes_max) {
            match file.read_at(&mut bytes[length..], offset + length as u64) {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Its server has removed it: it has no more.
                Err(error) if error.kind() == io::ErrorKind::StaleNetworkFileHandle => break,
                Err(error) => return Err(FileError::Unreadable(error)),
            }
        }
        bytes.truncate(length);
        bytes.shrink_to_fit();
        Ok(bytes.into())
    }
}

impl Drop for Open {
    /// Some file systems ask their server before they close a file.
    fn drop(&mut self) {
        let file: Option<OwnedFd> = self.file.take().map(Into::into);
        let closing = thread::Builder::new().name("close".to_owned()).spawn(move || drop(file));
        if let Err(error) = closing {
            tracing::warn!(%error, "there is no thread to close a file on");
        }
    }
}

#[cfg(test)]
mod tests;
