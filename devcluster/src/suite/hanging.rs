//! A file server that does not answer.

use std::{
    fs::{File, OpenOptions},
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use rustix::{
    mount::{MountFlags, UnmountFlags, mount, unmount},
    process::{getegid, geteuid},
};

/// A folder of which nothing is ever answered, for as long as this is there: a file system whose
/// server has not even said that it is one. What was opened in the folder before stays open.
pub struct HangingFolder {
    path: PathBuf,
    _server: File,
}

impl HangingFolder {
    /// Makes an existing folder hang. Needs root, and a kernel with FUSE.
    ///
    /// # Errors
    /// When that is not allowed.
    pub fn at(path: &Path) -> io::Result<Self> {
        let server = OpenOptions::new().read(true).write(true).open("/dev/fuse")?;
        let options = format!(
            "fd={},rootmode=40000,user_id={},group_id={}",
            server.as_raw_fd(),
            geteuid().as_raw(),
            getegid().as_raw(),
        );
        let options = std::ffi::CString::new(options)?;
        let flags = MountFlags::NODEV | MountFlags::NOSUID;
        mount("hanging", path, "fuse", flags, Some(options.as_c_str()))?;
        Ok(Self { path: path.to_owned(), _server: server })
    }
}

impl Drop for HangingFolder {
    fn drop(&mut self) {
        // Whoever waits is told that nobody will answer once the server's file is closed.
        let _ = unmount(&self.path, UnmountFlags::DETACH);
    }
}
