//! Reads settings, and the files that they name, and collects what is wrong with them.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fmt::{self, Display},
    path::PathBuf,
};

use crate::reload::read_file;

/// Gives the value of a setting, if it is set.
pub trait Source {
    /// The value of one setting, text or not.
    fn get(&self, key: &str) -> Option<OsString>;
}

/// The process's environment.
#[derive(Debug, Clone, Copy)]
pub struct Environment;

impl Source for Environment {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    fn get(&self, key: &str) -> Option<OsString> {
        std::env::var_os(key)
    }
}

impl<T: AsRef<OsStr>> Source for HashMap<&str, T> {
    fn get(&self, key: &str) -> Option<OsString> {
        Self::get(self, key).map(|value| value.as_ref().to_owned())
    }
}

/// Everything that is wrong with a configuration; one line each, which begins with the setting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<String>);

impl Faults {
    /// One fault.
    pub fn of(key: &str, fault: impl Display) -> Self {
        let mut faults = Self::default();
        faults.add(key, fault);
        faults
    }

    /// One more. What it repeats of a setting stays on its line.
    pub fn add(&mut self, key: &str, fault: impl Display) {
        self.0.push(format!("{key}: {fault}").replace(char::is_control, "\u{fffd}"));
    }

    /// Every fault, a line each.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// What was made, if nothing was wrong with it.
    ///
    /// # Errors
    /// Every fault so far.
    pub fn finish<T>(self, made: Option<T>) -> Result<T, Self> {
        match made {
            Some(made) if self.0.is_empty() => Ok(made),
            _ => Err(self),
        }
    }
}

impl Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Faults {}

/// A setting is not text, which was told as a fault.
#[derive(Debug)]
pub(super) struct NotText;

/// Reads settings and remembers what was wrong with them.
pub struct Reader<'a> {
    source: &'a dyn Source,
    faults: Faults,
}

impl<'a> Reader<'a> {
    /// A reader of one source.
    pub fn new(source: &'a dyn Source) -> Self {
        Self { source, faults: Faults::default() }
    }

    /// A setting that must be there. `None` when there was a fault, which [`Reader::finish`]
    /// reports.
    pub fn required<T, E: Display>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match self.text(key).ok()? {
            Some(text) => self.parse(key, &text, parse),
            None => {
                self.faults.add(key, "must be set");
                None
            }
        }
    }

    /// A setting that has a default.
    pub fn optional<T, E: Display>(
        &mut self,
        key: &str,
        default: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(key).ok()?;
        self.parse(key, text.as_deref().unwrap_or(default), parse)
    }

    /// What is in the file that a setting names, or in that of the default. `None` when there was a
    /// fault. The setting itself was read before, so a fault of its own is not told again. Blocks.
    pub fn file<T, E: Display>(
        &mut self,
        key: &str,
        default: Option<&str>,
        understand: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Option<T> {
        let set = self.source.get(key).filter(|value| !value.is_empty());
        let file = PathBuf::from(match set {
            Some(value) => value.into_string().ok()?,
            None => default?.to_owned(),
        });
        let understood = read_file(&file).and_then(|bytes| {
            understand(&bytes).map_err(|error| format!("{}: {error}", file.display()))
        });
        understood.map_err(|error| self.faults.add(key, error)).ok()
    }

    /// Adds a fault that no parser of a single setting can find.
    pub fn fault(&mut self, key: &str, fault: impl Display) {
        self.faults.add(key, fault);
    }

    /// The text of a setting; an empty one is not set.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, NotText> {
        match self.source.get(key).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(Err(_)) => {
                self.faults.add(key, "is not UTF-8");
                Err(NotText)
            }
        }
    }

    fn parse<T, E: Display>(
        &mut self,
        key: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        parse(text).map_err(|error| self.faults.add(key, error)).ok()
    }

    /// All settings, if none had a fault.
    ///
    /// # Errors
    /// Every fault met so far.
    pub fn finish<T>(self, settings: Option<T>) -> Result<T, Faults> {
        self.faults.finish(settings)
    }
}
