use std::{fs, os::unix::fs::PermissionsExt, sync::Arc, thread};

use rustix::{process::geteuid, thread::set_thread_uid};
use tempfile::TempDir;

use super::*;
use crate::pool::KeyFiles;

/// Any user but root, and none who owns the homes.
const STRANGER: u32 = 54322;

struct House {
    folder: TempDir,
    places: Arc<Places>,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        allow(folder.path(), 0o755);
        let files = KeyFiles { certificate: "client.crt", key: "client.key" };
        let homes = folder.path().join("homes");
        fs::create_dir(&homes).unwrap();
        let server = "https://127.0.0.1:1".parse().unwrap();
        let HomeDirectory { places, .. } =
            HomeDirectory::new(homes, files, server, "ca.crt".into());
        Self { folder, places }
    }

    /// A home with a key that these may read.
    fn make(&self, tool: &str, mode: u32) {
        let home = self.places.homes.join(tool);
        fs::create_dir(&home).unwrap();
        fs::write(home.join("client.key"), "key").unwrap();
        allow(&home.join("client.key"), mode);
    }

    /// What somebody finds who is not root and owns nothing here.
    fn seen_by_a_stranger(&self) -> Result<(), String> {
        let places = Arc::clone(&self.places);
        let stranger = thread::spawn(move || {
            if geteuid().is_root() {
                set_thread_uid(rustix::process::Uid::from_raw(STRANGER)).unwrap();
            }
            places.can_read_homes()
        });
        stranger.join().unwrap()
    }
}

fn allow(path: &std::path::Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn one_key_that_can_be_read_is_enough_and_homes_without_one_tell_nothing() {
    let house = House::new();
    assert_eq!(house.seen_by_a_stranger(), Ok(()));
    fs::create_dir(house.places.homes.join("new")).unwrap();
    fs::write(house.places.homes.join("file"), "").unwrap();
    assert_eq!(house.seen_by_a_stranger(), Ok(()));
    house.make("closed", 0o000);
    let closed = house.places.homes.join("closed/client.key");
    let refused = format!("{}: permission denied", closed.display());
    assert_eq!(house.seen_by_a_stranger(), Err(refused));
    house.make("open", 0o444);
    assert_eq!(house.seen_by_a_stranger(), Ok(()));
}

#[test]
fn a_folder_that_is_missing_or_closed_is_told_and_one_that_cannot_be_listed_may_do() {
    let house = House::new();
    house.make("open", 0o444);
    let homes = house.places.homes.display().to_string();
    allow(&house.places.homes, 0o000);
    assert_eq!(house.seen_by_a_stranger(), Err(format!("{homes}: permission denied")));
    allow(&house.places.homes, 0o111);
    assert_eq!(house.seen_by_a_stranger(), Ok(()));
    allow(&house.places.homes, 0o755);
    fs::rename(&house.places.homes, house.folder.path().join("elsewhere")).unwrap();
    assert_eq!(house.seen_by_a_stranger(), Err(format!("{homes}: no such file or directory")));
}
