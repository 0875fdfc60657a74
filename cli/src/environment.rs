//! The environment, read once.
//!
//! Nothing else in the crate asks for a variable, so that what the command depends on is one
//! screen, and tests of everything else need no variables of their own.

use std::{env, path::PathBuf};

use crate::live;

/// Where a site's settings are, when a tool has none of its own.
const SITE_SETTINGS: &str = "/etc/toolforge-jobs.toml";

/// Every variable and fixed path that matters. A variable that is empty counts as not set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    /// `TOOLFORGE_JOBS_SERVER`: the server's URL.
    pub(crate) server: Option<String>,
    /// `TOOLFORGE_JOBS_CERT`: file of the certificate.
    pub(crate) cert: Option<PathBuf>,
    /// `TOOLFORGE_JOBS_KEY`: file of its key.
    pub(crate) key: Option<PathBuf>,
    /// `TOOLFORGE_JOBS_CA`: file of the CA.
    pub(crate) ca: Option<PathBuf>,
    /// `KUBECONFIG`: files that are one kubeconfig together.
    pub(crate) kubeconfig: Option<Vec<PathBuf>>,
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
    /// `NO_COLOR`: whether colour is unwelcome.
    pub(crate) no_color: bool,
    /// `TERM=dumb`: whether the terminal knows no colours.
    pub(crate) is_dumb_terminal: bool,
    /// `TOOLFORGE_JOBS_COMPLETE`: whether a shell asks for the completion of a word.
    pub(crate) is_completing: bool,
    /// The file of settings that holds for everybody.
    pub(crate) site_settings: PathBuf,
}

impl Environment {
    /// Reads the process's environment.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads variables")]
    pub(crate) fn read() -> Self {
        let value = |name| env::var_os(name).filter(|value| !value.is_empty());
        let path = |name| value(name).map(PathBuf::from);
        Self {
            // An address is ASCII; what is not shows up in the message about it.
            server: value("TOOLFORGE_JOBS_SERVER").map(|url| url.to_string_lossy().into_owned()),
            cert: path("TOOLFORGE_JOBS_CERT"),
            key: path("TOOLFORGE_JOBS_KEY"),
            ca: path("TOOLFORGE_JOBS_CA"),
            kubeconfig: value("KUBECONFIG").map(|list| env::split_paths(&list).collect()),
            home: path("HOME"),
            no_color: value("NO_COLOR").is_some(),
            is_dumb_terminal: value("TERM").is_some_and(|term| term == "dumb"),
            is_completing: value(live::VARIABLE).is_some_and(|shell| shell != "0"),
            site_settings: PathBuf::from(SITE_SETTINGS),
        }
    }
}
