//! Whether this process may read homes at all.
//!
//! One caller whose home can't be read is told so and is one among many. When it is all of them,
//! the administrator has to hear of it before they do.

use std::time::Duration;

use rustix::{
    fs::{Dir, Mode, OFlags, open},
    io::Errno,
};
use tokio::time::timeout;

use super::{HomeDirectory, Places, open_beneath};
use crate::reload::{LookNow, reason};

/// Homes that are tried until one can be read. Many have no key, and tell nothing.
const HOMES_TRIED_MAX: usize = 64;
/// Homes are on a network file system; one that has not answered by now does not answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

impl HomeDirectory {
    /// Says in the log when homes can't be read, at start and whenever that changes, for as long as
    /// it is polled. It looks now and then, and whenever it is asked to.
    pub async fn watch(self, look_now: LookNow) {
        let (mut known, mut moments) = (Ok(()), look_now.moments());
        loop {
            let (places, threads) = (self.places.clone(), self.threads.clone());
            let look = async move {
                let found = threads.run(move || places.can_read_homes()).await;
                found.unwrap_or_else(|error| Err(error.to_string()))
            };
            tokio::pin!(look);
            match timeout(ANSWER_TIME_MAX, &mut look).await {
                Ok(found) => tell(&mut known, found),
                Err(_) => {
                    tell(&mut known, Err("their file system does not answer".to_owned()));
                    tell(&mut known, look.await);
                }
            }
            moments.next().await;
        }
    }
}

fn tell(known: &mut Result<(), String>, found: Result<(), String>) {
    if *known == found {
        return;
    }
    match &found {
        Ok(()) => tracing::info!("homes can be read again"),
        Err(reason) => tracing::error!(reason, "homes can't be read, so no tool can be served"),
    }
    *known = found;
}

impl Places {
    /// Whether at least one key can be read, or nothing speaks against it. Blocks.
    pub(super) fn can_read_homes(&self) -> Result<(), String> {
        let unreadable =
            |error: Errno| format!("{}: {}", self.homes.display(), reason(&error.into()));
        let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let homes = match open(&self.homes, folder, Mode::empty()) {
            Ok(homes) => homes,
            // A folder that can't be listed may still be one whose homes can be read.
            Err(Errno::ACCESS) => {
                let inside = self.homes.join(".");
                let entered = open(&inside, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
                return entered.map(drop).map_err(unreadable);
            }
            Err(error) => return Err(unreadable(error)),
        };
        let mut denied = None;
        let entries = Dir::read_from(&homes).map_err(unreadable)?.flatten();
        let names = entries.filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
        for name in names.filter(|name| !name.starts_with('.')).take(HOMES_TRIED_MAX) {
            let key = format!("{name}/{}", self.files.key);
            match open_beneath(&homes, &key) {
                Ok(_) => return Ok(()),
                Err(error @ (Errno::ACCESS | Errno::PERM)) => {
                    let path = self.homes.join(key);
                    let text = format!("{}: {}", path.display(), reason(&error.into()));
                    denied.get_or_insert(text);
                }
                Err(_) => {}
            }
        }
        denied.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests;
