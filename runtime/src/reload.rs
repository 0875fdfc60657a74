//! Values made from files, made anew when the files change.

use std::{
    fmt::Display,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::watch;

use crate::lock::lock;

/// How often the files are looked at. Kubernetes itself takes up to a minute to bring a changed
/// secret or config map to a pod, so ten seconds add little; reading a few small files costs
/// nothing to speak of.
pub const LOOK_TIME: Duration = Duration::from_secs(10);

/// The bytes of the files, and the value that was made from the last good ones.
struct Held<T> {
    seen: Vec<Vec<u8>>,
    value: Arc<T>,
}

/// A value made from files. What can't be read or understood changes nothing: the last good value
/// stays.
pub struct Reloaded<T> {
    what: &'static str,
    files: Vec<PathBuf>,
    make: fn(&[Vec<u8>]) -> Result<T, String>,
    held: Mutex<Held<T>>,
}

impl<T> Reloaded<T> {
    /// Reads the files and makes the first value. `what` names it in the log.
    ///
    /// # Errors
    /// When a file can't be read or understood; the text names it.
    pub fn load(
        what: &'static str,
        files: Vec<PathBuf>,
        make: fn(&[Vec<u8>]) -> Result<T, String>,
    ) -> Result<Self, String> {
        let seen = read(&files)?;
        let value = Arc::new(make(&seen).map_err(|error| format!("{what}: {error}"))?);
        Ok(Self { what, files, make, held: Mutex::new(Held { seen, value }) })
    }

    /// The present value.
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&lock(&self.held).value)
    }

    /// Looks at the files once. Blocks; says in the log what became of a change.
    pub fn look(&self) {
        self.read(false);
    }

    /// The same, but makes the value anew also of files that have not changed, and always says in
    /// the log what became of it.
    pub fn look_anew(&self) {
        self.read(true);
    }

    fn read(&self, anew: bool) {
        let seen = match read(&self.files) {
            Ok(seen) => seen,
            Err(error) => {
                tracing::warn!(error, "keeping the {} as it was", self.what);
                return;
            }
        };
        let mut held = lock(&self.held);
        let has_changed = held.seen != seen;
        if !has_changed && !anew {
            return;
        }
        // A half-written file is looked at again as soon as its bytes change once more.
        match (self.make)(&seen) {
            Ok(value) => {
                held.value = Arc::new(value);
                let how = if has_changed { "which has changed" } else { "which has not changed" };
                tracing::info!("read the {} anew, {how}", self.what);
            }
            Err(error) => tracing::warn!(error, "keeping the {} as it was", self.what),
        }
        held.seen = seen;
    }

    /// Goes on looking for as long as it is polled, now and then and whenever it is asked to.
    pub async fn watch(self: Arc<Self>, look_now: LookNow)
    where
        T: Send + Sync + 'static,
    {
        let mut moments = look_now.moments();
        loop {
            let anew = moments.next().await;
            let this = Arc::clone(&self);
            // A file system that hangs must not hold up a thread that answers requests.
            if tokio::task::spawn_blocking(move || this.read(anew)).await.is_err() {
                tracing::error!("looking for a changed {} failed", self.what);
            }
        }
    }
}

/// Has all that watch files look at them at once. Clones ask the same.
#[derive(Debug, Clone, Default)]
pub struct LookNow(watch::Sender<()>);

impl LookNow {
    /// Asks for a look.
    pub fn ask(&self) {
        self.0.send_replace(());
    }

    /// When to look: now and then, and whenever it is asked for.
    pub(crate) fn moments(self) -> Moments {
        Moments { asked: self.0.subscribe(), _asker: self }
    }
}

/// When to look at files.
pub(crate) struct Moments {
    asked: watch::Receiver<()>,
    _asker: LookNow,
}

impl Moments {
    /// Waits for the next one, and says whether somebody asked for it.
    pub(crate) async fn next(&mut self) -> bool {
        tokio::select! {
            () = tokio::time::sleep(LOOK_TIME) => false,
            // It never fails: the asker is held as long as this is.
            _ = self.asked.changed() => true,
        }
    }
}

fn read(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, String> {
    files.iter().map(|file| read_file(file)).collect()
}

/// The bytes of a file; the error names it. Blocks.
#[expect(clippy::disallowed_methods, reason = "at start, and then on a thread that may block")]
pub(crate) fn read_file(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("{}: {}", file.display(), reason(&error)))
}

/// What the operating system says, without the number, which says the same again.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let sentence = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Adapts a parser's error to the text that [`Reloaded`] wants.
pub fn text(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(files: &[Vec<u8>]) -> Result<u32, String> {
        String::from_utf8_lossy(&files[0]).trim().parse().map_err(text)
    }

    #[test]
    fn a_change_is_taken_and_nonsense_keeps_the_last_good_value() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        std::fs::write(&file, "1").unwrap();
        let reloaded = Reloaded::load("number", vec![file.clone()], number).unwrap();
        for (text, expected) in [("2", 2), ("two", 2), ("", 2), ("3", 3)] {
            std::fs::write(&file, text).unwrap();
            reloaded.look();
            assert_eq!(*reloaded.get(), expected, "after {text:?}");
        }
        std::fs::remove_file(&file).unwrap();
        reloaded.look();
        assert_eq!(*reloaded.get(), 3);
    }

    #[test]
    fn a_first_value_that_is_nonsense_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        let error = Reloaded::load("number", vec![file.clone()], number).err().unwrap();
        assert!(error.contains("number"), "{error}");
        std::fs::write(&file, "x").unwrap();
        let error = Reloaded::load("number", vec![file], number).err().unwrap();
        assert_eq!(error, "number: invalid digit found in string");
    }
}
