//! The service's own settings, beside the runtime's.

use std::{convert::Infallible, path::PathBuf};

use tjf_runtime::{
    config::{self, Reader, Source},
    open_files::{RLIMIT_NOFILE, Shares},
};

use crate::{
    catalogue::Catalogue,
    job::manifest::{HomeVolume, PodSettings},
};

/// Folder of all homes, for us and in the pods.
pub const HOMES: &str = "TJF_HOMES";
/// How a home gets into a pod.
pub const HOME_VOLUME: &str = "TJF_HOME_VOLUME";
/// File of the containers on offer.
pub const CATALOGUE: &str = "TJF_CATALOGUE";
/// Seconds that a finished one-off can be seen.
pub const JOB_TTL: &str = "TJF_JOB_TTL";

/// Whether there are routes for the deployed service's own command.
pub const COMPAT: &str = "TJF_COMPAT";

/// Everything that the service must be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// What any service of this runtime is told.
    pub runtime: config::Config,
    /// What the operator decided about pods.
    pub pod_settings: PodSettings,
    /// File of the containers on offer.
    pub catalogue: PathBuf,
    /// Whether there are routes for the deployed service's own command.
    pub compat: bool,
    /// How much of everything there may be, with the files that may be open.
    pub shares: Shares,
}

impl Config {
    /// Reads all settings, and looks at the files that they name. Blocks. So many files may be open.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn from(source: &dyn Source, open_files: u64) -> Result<Self, config::Faults> {
        let mut reader = Reader::new(source);
        let config = Self::read(&mut reader, open_files);
        config::Config::check_files(&mut reader);
        reader.file(CATALOGUE, None, Catalogue::parse);
        reader.finish(config)
    }

    fn read(reader: &mut Reader<'_>, open_files: u64) -> Option<Self> {
        // Each setting is read before any is looked at, so that all faults are found.
        let runtime = config::Config::read(reader);
        let homes = reader.optional(HOMES, "/data/project", absolute);
        let home_volume = reader.optional(HOME_VOLUME, "host-path", home_volume);
        let catalogue = reader.required(CATALOGUE, |text| Ok::<_, Infallible>(PathBuf::from(text)));
        let job_ttl_seconds = reader.optional(JOB_TTL, "86400", seconds);
        let compat = reader.optional(COMPAT, "on", switch);
        let shares = Shares::of(open_files).map_err(|few| reader.fault(RLIMIT_NOFILE, few)).ok();
        Some(Self {
            runtime: runtime?,
            pod_settings: PodSettings {
                homes: homes?,
                home_volume: home_volume?,
                job_ttl_seconds: job_ttl_seconds?,
            },
            catalogue: catalogue?,
            compat: compat?,
            shares: shares?,
        })
    }
}

fn absolute(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    if path.starts_with('/') && !path.split('/').any(|part| part == "..") {
        Ok(path.to_owned())
    } else {
        Err(format!("`{text}` is not an absolute path"))
    }
}

fn home_volume(text: &str) -> Result<HomeVolume, String> {
    let nfs = || text.strip_prefix("nfs:")?.split_once(":/");
    match text {
        "host-path" => Ok(HomeVolume::HostPath),
        "none" => Ok(HomeVolume::None),
        _ => match nfs() {
            Some((server, export)) if !server.is_empty() => {
                Ok(HomeVolume::Nfs { server: server.to_owned(), export: format!("/{export}") })
            }
            _ => Err(format!("`{text}` is none of `host-path`, `nfs:SERVER:/EXPORT` and `none`")),
        },
    }
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("`{text}` is neither `on` nor `off`")),
    }
}

fn seconds(text: &str) -> Result<i32, String> {
    match text.parse() {
        Ok(seconds) if seconds >= 0 => Ok(seconds),
        _ => Err(format!("`{text}` is not a number of seconds from 0 to {}", i32::MAX)),
    }
}

#[cfg(test)]
mod tests;
